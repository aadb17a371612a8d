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
