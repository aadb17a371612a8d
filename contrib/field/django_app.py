# SPDX-License-Identifier: BSD-2-Clause
"""A small shop on Django for the field tests: ORM on sqlite, sessions, templates, the admin.

    python3 -c 'import django_app; django_app.setup()'     makes the database
    gunicorn --workers 1 --threads 4 --bind 127.0.0.1:8801 django_app:application

FIELD_LEAK=1 plants a leak: every view of a basket is noted in a list that nobody empties."""
import os

import django
from django.conf import settings

FOLDER = os.environ.get("FIELD_DATA", "/tmp/field/django")
LEAK = os.environ.get("FIELD_LEAK") == "1"

PAGE = """{% for item in items %}<li>{{ item.name|title }}: {{ item.price|floatformat:2 }},
{{ item.category.name }}{% if item.pk in basket %} (in your basket){% endif %}</li>
{% empty %}nothing{% endfor %}<p>{{ total }} in {{ basket|length }}</p>"""

settings.configure(
    DEBUG=False,
    SECRET_KEY="field test",
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF=__name__,
    USE_TZ=True,
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3",
                           "NAME": os.path.join(FOLDER, "db.sqlite3"),
                           "OPTIONS": {"timeout": 30}}},
    DEFAULT_AUTO_FIELD="django.db.models.AutoField",
    INSTALLED_APPS=["django.contrib.admin", "django.contrib.auth", "django.contrib.contenttypes",
                    "django.contrib.sessions", "django.contrib.messages", "django_app"],
    MIDDLEWARE=["django.middleware.security.SecurityMiddleware",
                "django.contrib.sessions.middleware.SessionMiddleware",
                "django.middleware.common.CommonMiddleware",
                "django.contrib.auth.middleware.AuthenticationMiddleware",
                "django.contrib.messages.middleware.MessageMiddleware"],
    STATIC_URL="/static/",
    TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates",
                "OPTIONS": {
                    "context_processors": [
                        "django.template.context_processors.request",
                        "django.contrib.auth.context_processors.auth",
                        "django.contrib.messages.context_processors.messages"],
                    "loaders": [("django.template.loaders.locmem.Loader", {"page.html": PAGE}),
                                "django.template.loaders.app_directories.Loader"]}}])
django.setup()

from django.contrib import admin  # noqa: E402
from django.contrib.auth.models import User  # noqa: E402
from django.core.paginator import Paginator  # noqa: E402
from django.core.wsgi import get_wsgi_application  # noqa: E402
from django.db import connection, models  # noqa: E402
from django.db.models import Count, Q, Sum  # noqa: E402
from django.http import JsonResponse  # noqa: E402
from django.shortcuts import render  # noqa: E402
from django.urls import path  # noqa: E402


class Category(models.Model):
    name = models.CharField(max_length=40)

    class Meta:
        app_label = "django_app"


class Item(models.Model):
    name = models.CharField(max_length=40)
    price = models.DecimalField(max_digits=9, decimal_places=2)
    category = models.ForeignKey(Category, on_delete=models.CASCADE)
    seen = models.DateTimeField(auto_now=True)

    class Meta:
        app_label = "django_app"


class ItemAdmin(admin.ModelAdmin):
    list_display = ("name", "price", "category")
    list_filter = ("category",)
    search_fields = ("name",)


admin.site.register(Item, ItemAdmin)


class BasketView:
    """What the planted leak keeps."""

    def __init__(self, request, basket):
        self.path = request.get_full_path()
        self.user_agent = request.META.get("HTTP_USER_AGENT")
        self.basket = list(basket)


class Audit:
    def __init__(self):
        self.views = []

    def note(self, request, basket):
        self.views.append(BasketView(request, basket))


audit = Audit()


def shop(request):
    """A page of items, filtered and counted, with the basket of the session."""
    basket = request.session.setdefault("basket", [])
    if "add" in request.GET:
        basket.append(int(request.GET["add"]) % 2000 + 1)
        request.session["basket"] = basket[-20:]
    items = Item.objects.select_related("category").order_by("-price")
    if "q" in request.GET:
        items = items.filter(Q(name__icontains=request.GET["q"]) | Q(pk__in=basket))
    page = Paginator(items, 25).get_page(request.GET.get("page", 1))
    total = Item.objects.filter(pk__in=basket).aggregate(sum=Sum("price"))["sum"]
    if LEAK:
        audit.note(request, basket)
    return render(request, "page.html", {"items": page, "basket": basket, "total": total})


def numbers(_request):
    rows = Category.objects.annotate(n=Count("item"), sum=Sum("item__price")).order_by("-n")
    return JsonResponse({row.name: [row.n, str(row.sum)] for row in rows})


def touch(_request, number):
    item = Item.objects.get(pk=number)
    item.price += 1
    item.save()
    return JsonResponse({"price": str(item.price)})


urlpatterns = [path("", shop), path("numbers", numbers), path("touch/<int:number>", touch),
               path("admin/", admin.site.urls)]


def setup():
    from django.core.management import call_command
    os.makedirs(FOLDER, exist_ok=True)
    call_command("migrate", verbosity=0)
    with connection.schema_editor() as editor:
        editor.create_model(Category)
        editor.create_model(Item)
    categories = [Category.objects.create(name="category %d" % n) for n in range(20)]
    Item.objects.bulk_create(Item(name="item %d %s" % (n, "xyz"[n % 3] * 5), price=n % 977,
                                  category=categories[n % 20]) for n in range(2000))
    User.objects.create_superuser("root", "root@example.org", "field")
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA journal_mode=WAL")


application = get_wsgi_application()
