# SPDX-License-Identifier: BSD-2-Clause
"""Some 80 modules are imported lazily over the first 10 s, nothing after. Right verdict: stable
or saturating."""
import importlib
import warnings

import common

warnings.simplefilter("ignore")
# Modules that a version lacks are skipped.
MODULES = """
abc argparse ast base64 bisect bz2 calendar cmd code codecs codeop colorsys concurrent.futures
configparser contextlib copy csv ctypes datetime decimal difflib dis email.message email.mime.text
email.parser enum filecmp fileinput fnmatch fractions ftplib functools getopt getpass gettext glob
gzip hashlib heapq hmac html html.parser http.client http.cookies http.server imaplib inspect
ipaddress json keyword linecache locale logging.config logging.handlers lzma mailbox mimetypes
multiprocessing netrc numbers opcode optparse pathlib pdb pickle pickletools pkgutil platform
plistlib poplib pprint profile pstats queue quopri reprlib sched secrets selectors shelve shlex
shutil smtplib socketserver sqlite3 ssl statistics stringprep subprocess symtable tarfile tempfile
textwrap timeit tokenize trace tracemalloc turtledemo unittest unittest.mock urllib.request uuid
wave weakref webbrowser xml.dom.minidom xml.etree.ElementTree xml.sax xmlrpc.client zipapp zipfile
""".split()


def tick(i):
    common.traffic(4)
    # One module every 80 ms of the first 10 s.
    if i % 4 == 0 and i // 4 < len(MODULES):
        try:
            importlib.import_module(MODULES[i // 4])
        except ImportError:
            pass


common.run(tick)
