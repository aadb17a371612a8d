# SPDX-License-Identifier: BSD-2-Clause
#
# make            build the tool: build/pyleak-bpf
# make demo       install what is missing, build, find the leak of a running daemon
# make check      install what is missing, build, run every test (as root: all of them)
# make bench      measure what the README promises (as root)
# make bench-detect  every program of the detection corpus, as a table (as root)
# make matrix     every Python that this machine has or can get, into docs/matrix.md; an hour or
#                 more, resumed where it was stopped (as root). ROWS="debian13-3.13 pyenv-3.6"
#                 does only these; FAILED=1 tries again only what failed
# make kernels    boots Debian's kernels in QEMU and tests there (as root)
# make fuzz       60 s of fuzzing for each reader of foreign bytes
# make lint       style, size and include rules, man page
# make format     clang-format in place
# make install    to $(DESTDIR)$(PREFIX); make uninstall takes it away
# make static     a binary without shared libraries, for containers: build/static/pyleak-bpf
# make deb        a Debian package, in build/
# make try-deb    finds a leak with it in a fresh Debian 12 and 13 (as root)
# make arm64      cross-compiles: build/arm64/pyleak-bpf; installs the compiler (as root)
# make check-arm64   unit tests and the kernel side's, as arm64 programs under an emulator
# make kernel-arm64  boots Debian's arm64 kernels in QEMU and tests there (as root)
# make check-trust   changes each offset of the tables, and sees whether the tool notices (as root)
# make vmlinux    dump the full kernel types of this machine, for development
# make clean
#
# V=1 shows the commands. SANITIZE=address,undefined builds into build-san/. For another machine:
# make ARCH=arm64 CC=aarch64-linux-gnu-gcc SYSROOT=folder-with-its-libraries OUT=folder

CC ?= gcc
CLANG ?= clang
BPFTOOL ?= $(firstword $(wildcard /usr/sbin/bpftool) bpftool)
PROTOC_C ?= protoc-c
PKG_CONFIG ?= pkg-config
CFLAGS ?= -O2 -g
PREFIX ?= /usr/local
SANITIZE ?=
SYSROOT ?=
OUT := $(if $(SANITIZE),build-san,build)

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SUFFIXES:
.SECONDARY:

Q := $(if $(V),,@)
say = $(if $(V),,@printf '  %-6s %s\n' $(1) $(2))

VERSION := 0.1.0
ARCH := $(patsubst aarch64,arm64,$(patsubst x86_64,x86,$(shell uname -m)))
MULTIARCH := $(shell $(CC) -print-multiarch 2>/dev/null)

WARNINGS := -Wall -Wextra -Werror -Wshadow -Wvla -Wmissing-prototypes -Wstrict-prototypes
SANITIZE_FLAGS := $(if $(SANITIZE),-fsanitize=$(SANITIZE) -fno-sanitize-recover=all -fno-omit-frame-pointer)
OUR_CFLAGS := -std=gnu11 -D_GNU_SOURCE -DPYLEAK_VERSION='"$(VERSION)"' $(WARNINGS) \
	$(SANITIZE_FLAGS) -Iuser -Iinclude
override CC += $(SYSROOT:%=--sysroot=%)
CAPSTONE ?= -lcapstone
LIBS := -lbpf -lelf $(CAPSTONE) -ljansson -lprotobuf-c -lz -lm -pthread
TEST_LIBS := -lcriterion
# BTF is in the tool and names source files: without the folder, which is of no use elsewhere.
BPF_CFLAGS := -g -O2 -target bpf -mcpu=v3 -D__TARGET_ARCH_$(ARCH) -Wall -Wextra -Werror \
	-Wno-unused-parameter -fdebug-prefix-map=$(CURDIR)=. -Ivmlinux -Iinclude $(if $(MULTIARCH),-idirafter $(SYSROOT)/usr/include/$(MULTIARCH))

USER_SRC := $(sort $(wildcard user/*/*.c))
UNIT_SRC := $(sort $(wildcard tests/unit/*.c))
BPF_TEST_SRC := $(sort $(wildcard tests/bpf/*.c))
LIVE_SRC := $(sort $(wildcard tests/live/*.c))
FUZZ_SRC := $(sort $(wildcard tests/fuzz/fuzz_*.c))
MAIN_OBJ := $(OUT)/user/cli/main.o
USER_OBJ := $(USER_SRC:%.c=$(OUT)/%.o)
PROTO_OBJ := $(OUT)/profile.pb-c.o
LIB_OBJ := $(filter-out $(MAIN_OBJ),$(USER_OBJ)) $(PROTO_OBJ)
TOOL := $(OUT)/pyleak-bpf

# A change of flags or of the list of sources rebuilds what depends on it.
STAMP := $(OUT)/.stamp
STAMP_TEXT := $(CC) $(CLANG) $(CFLAGS) $(OUR_CFLAGS) $(BPF_CFLAGS) $(LIBS) $(USER_SRC) $(UNIT_SRC) \
	$(BPF_TEST_SRC) $(LIVE_SRC)
$(shell mkdir -p $(OUT); printf '%s' "$(subst ",,$(STAMP_TEXT))" | cmp -s - $(STAMP) || \
	printf '%s' "$(subst ",,$(STAMP_TEXT))" > $(STAMP))

.PHONY: all
all: $(TOOL)

$(OUT)/bpf/%.bpf.o: bpf/%.bpf.c $(STAMP)
	$(call say,BPF,$@)
	@mkdir -p $(@D)
	$(Q)$(CLANG) $(BPF_CFLAGS) -MMD -MP -c $< -o $@

$(OUT)/%.skel.h: $(OUT)/bpf/%.bpf.o
	$(call say,SKEL,$@)
	$(Q)$(BPFTOOL) gen skeleton $< name $*_bpf > $@ 2>$(OUT)/skel.log || { cat $(OUT)/skel.log; exit 1; }

$(OUT)/user/collect/probes.o $(OUT)/user/collect/alloc_probes.o: OUR_CFLAGS += -I$(OUT)
$(OUT)/user/collect/probes.o: | $(OUT)/pyleak.skel.h
$(OUT)/user/collect/alloc_probes.o: | $(OUT)/alloc.skel.h

# One rule for both files: that is what two targets mean where there is a %.
$(OUT)/%.pb-c.c $(OUT)/%.pb-c.h: user/report/%.proto
	$(call say,PROTO,$@)
	@mkdir -p $(@D)
	$(Q)$(PROTOC_C) --proto_path=user/report --c_out=$(OUT) $<

PPROF_OBJ := $(OUT)/user/report/pprof.o $(OUT)/user/report/pprof_tables.o $(OUT)/tests/unit/test_pprof.o
$(PPROF_OBJ): OUR_CFLAGS += -I$(OUT)
$(PPROF_OBJ): | $(OUT)/profile.pb-c.h

$(PROTO_OBJ): $(OUT)/profile.pb-c.c $(STAMP)
	$(call say,CC,$@)
	$(Q)$(CC) $(OUR_CFLAGS) $(CFLAGS) -MMD -MP -c $< -o $@

$(OUT)/user/%.o: user/%.c $(STAMP)
	$(call say,CC,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(OUR_CFLAGS) $(CFLAGS) -MMD -MP -c $< -o $@

$(TOOL): $(USER_OBJ) $(PROTO_OBJ)
	$(call say,LINK,$@)
	$(Q)$(CC) $(SANITIZE_FLAGS) $(CFLAGS) $(LDFLAGS) $^ $(LIBS) -o $@

include $(wildcard tests/tests.mk tests/arm64/arm64.mk tests/trust/trust.mk contrib/package.mk)

-include $(USER_OBJ:.o=.d) $(PROTO_OBJ:.o=.d) $(OUT)/bpf/pyleak.bpf.d $(OUT)/bpf/alloc.bpf.d

.PHONY: format
format:
	$(Q)clang-format -i $(shell git ls-files 'bpf/*.[ch]' 'include/*.h' 'user/*.[ch]' 'tests/*.[ch]')

.PHONY: lint
lint: $(TOOL)
	$(Q)tests/lint.sh $(TOOL)

.PHONY: vmlinux
vmlinux:
	$(call say,DUMP,vmlinux/vmlinux_full.h)
	$(Q)$(BPFTOOL) btf dump file /sys/kernel/btf/vmlinux format c > vmlinux/vmlinux_full.h

.PHONY: clean
clean:
	rm -rf build build-san build-fuzz
