# SPDX-License-Identifier: BSD-2-Clause
# Is anything taken on trust? Included by the Makefile.

CHANGED_TOOL := $(OUT)/tests/changed-pyleak-bpf
TABLES_OBJ := $(addprefix $(OUT)/user/,attach/gc_surroundings.o attach/py_layout.o \
	collect/py_frame.o snapshot/fields.o)

$(OUT)/tests/trust/changed.o: TEST_CFLAGS := -Wno-discarded-qualifiers

$(CHANGED_TOOL): $(OUT)/tests/trust/changed.o $(filter-out $(TABLES_OBJ),$(USER_OBJ)) $(PROTO_OBJ)
	$(call say,LINK,$@)
	$(Q)$(CC) $(SANITIZE_FLAGS) $(CFLAGS) $(LDFLAGS) $^ $(LIBS) -o $@

-include $(OUT)/tests/trust/changed.d

# Minutes for each interpreter of the machine: TRUST="--python FILE --table NAME" does less.
.PHONY: check-trust
check-trust: $(TOOL) $(CHANGED_TOOL)
	$(Q)tests/trust/trust.py $(TOOL) $(CHANGED_TOOL) $(TRUST)
