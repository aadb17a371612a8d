# SPDX-License-Identifier: BSD-2-Clause
# Installing and packaging; included by the Makefile.

# Debian packages have their completions for zsh elsewhere: contrib/deb.sh.
BASH_COMPLETIONS ?= $(PREFIX)/share/bash-completion/completions
ZSH_COMPLETIONS ?= $(PREFIX)/share/zsh/site-functions
FISH_COMPLETIONS ?= $(PREFIX)/share/fish/vendor_completions.d
DOC_FOLDER ?= $(PREFIX)/share/doc/pyleak-bpf
# Formats that other programs read.
DOCS := docs/json.md docs/snapshot-format.md

.PHONY: install uninstall
install: $(TOOL)
	install -D -m 755 $(TOOL) $(DESTDIR)$(PREFIX)/sbin/pyleak-bpf
	install -D -m 644 man/pyleak-bpf.8 $(DESTDIR)$(PREFIX)/share/man/man8/pyleak-bpf.8
	install -D -m 644 contrib/completion/pyleak-bpf.bash $(DESTDIR)$(BASH_COMPLETIONS)/pyleak-bpf
	install -D -m 644 -t $(DESTDIR)$(ZSH_COMPLETIONS) contrib/completion/_pyleak-bpf
	install -D -m 644 -t $(DESTDIR)$(FISH_COMPLETIONS) contrib/completion/pyleak-bpf.fish
	install -D -m 644 -t $(DESTDIR)$(DOC_FOLDER) $(DOCS)

uninstall:
	rm -f $(DESTDIR)$(PREFIX)/sbin/pyleak-bpf \
		$(DESTDIR)$(PREFIX)/share/man/man8/pyleak-bpf.8 \
		$(DESTDIR)$(BASH_COMPLETIONS)/pyleak-bpf \
		$(DESTDIR)$(ZSH_COMPLETIONS)/_pyleak-bpf \
		$(DESTDIR)$(FISH_COMPLETIONS)/pyleak-bpf.fish \
		$(DOCS:docs/%=$(DESTDIR)$(DOC_FOLDER)/%)
	rmdir $(DESTDIR)$(DOC_FOLDER) 2>/dev/null || true

# ---- one file that runs in any container: no shared library, no interpreter, no data file

# libelf's own needs differ by its version (zstd since 0.189): pkg-config knows. The libraries need
# each other in both directions, so they are a group. What glibc cannot do in a static program (names
# of users and hosts, character sets) it warns of when linked; an error then is better.
STATIC := $(OUT)/static/pyleak-bpf
STATIC_LIBS = -Wl,--start-group $(LIBS) \
	$(shell $(PKG_CONFIG) --static --libs-only-l libbpf libelf) -Wl,--end-group

.PHONY: static
static: $(STATIC)

$(STATIC): $(USER_OBJ) $(PROTO_OBJ) contrib/libelf_static.c
	$(call say,LINK,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(OUR_CFLAGS) $(CFLAGS) $(LDFLAGS) -static-pie -s -Wl,--fatal-warnings $^ \
		$(STATIC_LIBS) -o $@
	$(Q)! readelf -ld $@ | grep -E 'INTERP|NEEDED'

# ---- a Debian package, and whether it does what it should where nothing else is

.PHONY: deb try-deb
deb:
	$(Q)contrib/packages.sh dpkg-dev
	$(Q)MAKE='$(MAKE)' contrib/deb.sh $(VERSION)

try-deb: deb static
	$(Q)contrib/packages.sh debootstrap
	$(Q)for suite in bookworm trixie; do contrib/try-package.sh $$suite || exit 1; done
