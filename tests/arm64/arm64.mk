# SPDX-License-Identifier: BSD-2-Clause
# For arm64, on a machine that is not one; included by the Makefile.

ARM64 := build/arm64
ARM64_ROOT := $(ARM64)/sysroot
ARM64_LIBRARIES := libc6-dev libbpf-dev libelf-dev libcapstone-dev libjansson-dev libprotobuf-c-dev \
	uthash-dev zlib1g-dev libcriterion-dev python3 busybox-static
# Of Debian's other suites, each as a program and as a library.
ARM64_PYTHONS := "bullseye python3.9 libpython3.9" "trixie python3 libpython3.13" \
	"sid python3.14 libpython3.14 python3.15 libpython3.15"
ARM64_MAKE = $(MAKE) --no-print-directory ARCH=arm64 CC=aarch64-linux-gnu-gcc \
	SYSROOT=$(CURDIR)/$(ARM64_ROOT) OUT=$(ARM64)

# Programs of another machine cannot execute themselves.
$(UNIT_TEST) $(BPF_TEST): $(if $(SYSROOT),$(OUT)/tests/arm64/emulated.o)

.PHONY: arm64-root arm64-pythons arm64 check-arm64 kernel-arm64
arm64-root:
	$(Q)contrib/packages.sh gcc-aarch64-linux-gnu qemu-user-static
	$(Q)tests/arm64/sysroot.sh $(ARM64_ROOT) $(ARM64_LIBRARIES)

arm64-pythons: arm64-root
	$(Q)for one in $(ARM64_PYTHONS); do set -- $$one; suite=$$1; shift; \
		SUITE=$$suite tests/arm64/sysroot.sh $(ARM64)/$$suite "$$@" || \
			echo "arm64: SKIPPED: the Pythons of $$suite are not to be had"; done

arm64: arm64-root
	$(Q)$(ARM64_MAKE) all

check-arm64: arm64 arm64-pythons
	$(Q)$(ARM64_MAKE) $(ARM64)/tests/unit-tests $(ARM64)/tests/bpf-tests
	$(Q)tests/arm64/run.sh $(ARM64)

$(ARM64)/shared-python: tests/programs/shared_python.c | arm64-root
	$(Q)aarch64-linux-gnu-gcc --sysroot=$(CURDIR)/$(ARM64_ROOT) $< -o $@

# What `make kernels` does, for that machine's. ROWS: only these
kernel-arm64: arm64 arm64-pythons $(ARM64)/shared-python
	$(Q)contrib/packages.sh qemu-system-arm cpio
	$(Q)$(ARM64_MAKE) $(ARM64)/tests/live-tests
	$(Q)tests/kernels/kernels.sh -m arm64 $(ROWS)
