# SPDX-License-Identifier: BSD-2-Clause
# For arm64, on a machine that is not one; included by the Makefile.

ARM64 := build/arm64
ARM64_ROOT := $(ARM64)/sysroot
ARM64_LIBRARIES := libc6-dev libbpf-dev libelf-dev libcapstone-dev libjansson-dev libprotobuf-c-dev \
	uthash-dev zlib1g-dev libcriterion-dev python3
ARM64_MAKE = $(MAKE) --no-print-directory ARCH=arm64 CC=aarch64-linux-gnu-gcc \
	SYSROOT=$(CURDIR)/$(ARM64_ROOT) OUT=$(ARM64)

# Programs of another machine cannot execute themselves.
$(UNIT_TEST) $(BPF_TEST): $(if $(SYSROOT),$(OUT)/tests/arm64/emulated.o)

.PHONY: arm64-root arm64 check-arm64 kernel-arm64
arm64-root:
	$(Q)contrib/packages.sh gcc-aarch64-linux-gnu qemu-user-static
	$(Q)tests/arm64/sysroot.sh $(ARM64_ROOT) $(ARM64_LIBRARIES)

arm64: arm64-root
	$(Q)$(ARM64_MAKE) all

check-arm64: arm64
	$(Q)$(ARM64_MAKE) $(ARM64)/tests/unit-tests $(ARM64)/tests/bpf-tests
	$(Q)tests/arm64/run.sh $(ARM64)

# A machine, not only programs.
kernel-arm64: arm64
	$(Q)contrib/packages.sh qemu-system-arm cpio
	$(Q)tests/arm64/kernel.sh $(ARM64)
