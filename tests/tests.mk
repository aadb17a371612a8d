# SPDX-License-Identifier: BSD-2-Clause
# Tests, fuzzers and benchmarks; included by the Makefile.

TEST_CFLAGS := -DGOLDEN_DIR='"tests/golden"' -Itests -Itests/unit
UNIT_TEST := $(OUT)/tests/unit-tests
BPF_TEST := $(OUT)/tests/bpf-tests
LIVE_TEST := $(OUT)/tests/live-tests
FUZZERS := $(FUZZ_SRC:tests/fuzz/%.c=build-fuzz/%)
TEST_OBJ := $(UNIT_SRC:%.c=$(OUT)/%.o) $(BPF_TEST_SRC:%.c=$(OUT)/%.o) $(LIVE_SRC:%.c=$(OUT)/%.o)
PROBES_SRC := $(addprefix user/collect/,probes.c probes_read.c kernel_lacks.c alloc_probes.c alloc_link.c alloc_keeper.c alloc_read.c \
	alloc_price.c alloc_stacks_read.c)
PROBES_OBJ := $(PROBES_SRC:%.c=$(OUT)/%.o)
# What unit tests link: everything but the command line and the kernel side.
PURE_OBJ := $(filter-out $(OUT)/user/cli/% $(PROBES_OBJ) $(OUT)/user/collect/collector%,$(LIB_OBJ))

$(OUT)/tests/%.o: tests/%.c $(STAMP)
	$(call say,CC,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(OUR_CFLAGS) $(TEST_CFLAGS) $(CFLAGS) -MMD -MP -c $< -o $@

# The kernel side's headers, compiled for the host against stand-ins for the helpers.
$(OUT)/tests/bpf/%.o: TEST_CFLAGS := -Itests/shim -Ibpf -D__TARGET_ARCH_$(ARCH) -Wno-unused-function \
	-Wno-missing-prototypes -Wno-unused-parameter

$(UNIT_TEST): $(UNIT_SRC:%.c=$(OUT)/%.o) $(PURE_OBJ)
	$(call say,LINK,$@)
	$(Q)$(CC) $(SANITIZE_FLAGS) $(CFLAGS) $^ $(TEST_LIBS) $(LIBS) -o $@

$(BPF_TEST): $(BPF_TEST_SRC:%.c=$(OUT)/%.o)
	$(call say,LINK,$@)
	$(Q)$(CC) $(SANITIZE_FLAGS) $(CFLAGS) $^ $(TEST_LIBS) -o $@

$(LIVE_TEST): $(LIVE_SRC:%.c=$(OUT)/%.o) $(PURE_OBJ) $(PROBES_OBJ)
	$(call say,LINK,$@)
	$(Q)$(CC) $(SANITIZE_FLAGS) $(CFLAGS) $^ $(TEST_LIBS) $(LIBS) -o $@

-include $(TEST_OBJ:.o=.d)

# A leak that a sanitizer finds must fail the run: Criterion alone passes it.
RUN_TEST = ASAN_OPTIONS=abort_on_error=1 UBSAN_OPTIONS=print_stacktrace=1

.PHONY: check build-tests check-unit check-bpf check-live check-san check-detect check-build check-kernel packages
check: packages
	$(Q)contrib/packages.sh uwsgi-core uwsgi-plugin-python3 || echo "check: SKIPPED: uWSGI's tests"
	$(Q)$(MAKE) --no-print-directory -j$$(nproc) all static build-tests
	$(Q)$(MAKE) --no-print-directory check-build check-unit check-bpf check-san check-live \
		check-detect check-kernel check-completion

build-tests: $(UNIT_TEST) $(BPF_TEST) $(if $(SANITIZE),,$(LIVE_TEST))

# The second make must find nothing to do.
check-build: $(TOOL)
	$(Q)$(MAKE) --no-print-directory -q all || { echo "make: not a no-op the second time"; exit 1; }

check-unit: $(UNIT_TEST)
	$(Q)$(RUN_TEST) $(UNIT_TEST)

check-bpf: $(if $(BPF_TEST_SRC),$(BPF_TEST))
	$(Q)$(if $(BPF_TEST_SRC),$(RUN_TEST) $(BPF_TEST))

# One test at a time: they start processes and measure them on machines with few cores.
check-live: $(TOOL) $(LIVE_TEST)
	$(Q)if [ $$(id -u) -ne 0 ]; then echo "check-live: SKIPPED: needs root"; else \
		PYLEAK_BPF=$(TOOL) $(LIVE_TEST) -j1 --output=tap:$(OUT)/live.tap || \
			{ echo "== failed:"; grep -A 8 '^not ok' $(OUT)/live.tap; exit 1; }; fi

# A part of `make bench-detect`: one program of each kind, for less long.
PART := leak_list leak_dict_str leak_cycle_gc_off leak_strings_list leak_native_malloc \
	leak_slow_busy healthy_cache_fills healthy_sawtooth healthy_sine healthy_random_walk \
	healthy_cyclic_garbage healthy_step
check-detect: $(TOOL)
	$(Q)if [ $$(id -u) -ne 0 ]; then echo "check-detect: SKIPPED: needs root"; else \
		tests/bench/detect.py $(TOOL) --jobs 12 --healthy-seconds 45 $(PART:%=--only %.py); fi

check-san:
	$(Q)$(MAKE) --no-print-directory -j$$(nproc) SANITIZE=address,undefined build-tests
	$(Q)$(MAKE) --no-print-directory SANITIZE=address,undefined check-unit check-bpf

# What `make kernels` does, for one older kernel and for less long.
check-kernel: $(TOOL) $(LIVE_TEST)
	$(Q)if [ $$(id -u) -ne 0 ]; then echo "check-kernel: SKIPPED: needs root"; else \
		contrib/packages.sh $(KERNEL_PACKAGES) || \
			{ echo "check-kernel: SKIPPED: its packages are not to be had"; exit 0; }; \
		tests/kernels/kernels.sh -c 'census at a collection,stacks' debian12; fi

check-completion:
	$(Q)tests/completion.sh

packages:
	$(Q)contrib/packages.sh

# ---- Debian's kernels, in an emulated machine: minutes for each, as root. ROWS: only these

KERNEL_PACKAGES := qemu-system-x86 busybox-static cpio
ROWS ?=
.PHONY: kernels
kernels: packages
	$(Q)contrib/packages.sh $(KERNEL_PACKAGES)
	$(Q)$(MAKE) --no-print-directory all $(LIVE_TEST)
	$(Q)tests/kernels/kernels.sh $(ROWS)

# ---- fuzzing: libFuzzer, from clang's runtime

FUZZ_SECONDS ?= 60
build-fuzz/%: tests/fuzz/%.c $(filter-out user/cli/% $(PROBES_SRC) user/collect/alloc_windows.c \
		user/collect/collector%,$(USER_SRC)) \
		$(OUT)/profile.pb-c.c $(wildcard tests/fuzz/*.h)
	$(call say,FUZZ,$@)
	@mkdir -p $(@D)
	$(Q)$(CLANG) $(OUR_CFLAGS) -I$(OUT) -O1 -g -fsanitize=fuzzer,address,undefined \
		-fno-sanitize-recover=all $(filter %.c,$^) $(LIBS) -o $@
build-fuzz/fuzz_graph_file: tests/unit/make_graph.c tests/unit/graph_bytes.c
build-fuzz/fuzz_heap: tests/unit/tiny_heap.c
build-fuzz/fuzz_analyse: tests/unit/make_graph.c

.PHONY: fuzz
fuzz: $(FUZZERS)
	$(Q)for fuzzer in $(FUZZERS); do \
		mkdir -p build-fuzz/corpus/$$(basename $$fuzzer); \
		echo "== $$fuzzer, $(FUZZ_SECONDS) s"; \
		$$fuzzer -max_total_time=$(FUZZ_SECONDS) -verbosity=0 -print_final_stats=1 \
			-artifact_prefix=build-fuzz/ build-fuzz/corpus/$$(basename $$fuzzer) || exit 1; \
	done

# ---- every Python and every kernel

.PHONY: matrix
matrix: packages
	$(Q)contrib/packages.sh debootstrap
	$(Q)$(MAKE) --no-print-directory all $(LIVE_TEST)
	$(Q)tests/matrix/matrix.py $(if $(FAILED),--failed) $(TOOL) $(LIVE_TEST) $(ROWS)

# ---- benchmarks and the demo

.PHONY: bench bench-detect demo
bench: $(TOOL)
	$(Q)tests/bench/bench.sh $(TOOL)

bench-detect: $(TOOL)
	$(Q)tests/bench/detect.py $(TOOL)

demo: packages
	$(Q)$(MAKE) --no-print-directory all
	$(Q)contrib/demo/demo.sh $(TOOL)
