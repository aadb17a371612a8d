/* SPDX-License-Identifier: BSD-2-Clause */
/* The same walk as bpf/census.bpf.h, on memory copied from outside: both ways linked, or it is
 * not a list. */
#include "collect/outside.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "pyleak_object.h"

#define TRAIL 64	 /* nodes to go back to */
#define RECENT_TYPES 64	 /* by address, as the kernel side's tallies */
#define REPAIR_TRIES 100 /* a young collection hides its list for so many ms at most */
#define REPAIR_WAIT_NS 1000000L
#define REPAIRS_LEAST 1000
#define HEADS_EXTENT 256       /* the heads of an interpreter lie beside each other */
#define OBJECTS_PER_REPAIR 256 /* more repairs than this are no count */

struct position {
	struct outside_walk *walk;
	struct counts *counts;
	uint64_t objects;
	struct counted_type *recent[RECENT_TYPES];
	raddr_t lowest_head;  /* of the interpreter: the heads of its other lists are no objects */
	raddr_t trail[TRAIL]; /* nodes of this list that were counted, the newest at trail_cnt - 1
			       */
	uint64_t trail_cnt;
};

static int read_node(const struct outside_walk *walk, raddr_t address, struct pyleak_node *node)
{
	struct remote *remote = walk->reader->remote;
	raddr_t object = address + walk->lists->head_bytes;

	/* Up to 3.7 the head is longer than the two links. */
	if (walk->lists->head_bytes == offsetof(struct pyleak_node, refcount) &&
	    !remote_read(remote, address, node, sizeof(*node)))
		return 0;
	memset(node, 0, sizeof(*node));
	if (remote_read(remote, address, &node->next, 16))
		return -EFAULT;
	if (!remote_read(remote, object, &node->refcount, 48))
		return 0;
	return remote_read(remote, object, &node->refcount, PYLEAK_NODE_SHORT - 16);
}

static void set_measure(const struct outside_walk *walk, struct counted_type *type, raddr_t object)
{
	struct remote *remote = walk->reader->remote;
	uint32_t flags = remote_word32(remote, type->address + PYLEAK_TP_FLAGS);
	uint32_t basic = remote_word32(remote, type->address + PYLEAK_TP_BASICSIZE);
	uint8_t capacity;

	type->item_bytes = remote_word32(remote, type->address + PYLEAK_TP_ITEMSIZE);
	type->basic_bytes = basic + walk->lists->head_bytes;
	type->kind = pyleak_kind_of(flags, type->item_bytes);
	if (type->address == walk->set_types[0] || type->address == walk->set_types[1])
		type->kind = PYLEAK_KIND_SET;
	if (walk->reader->minor >= 11 && flags & PYLEAK_FLAG_PREHEADER)
		type->basic_bytes += 16;
	if (walk->reader->minor >= 13 && flags & PYLEAK_FLAG_INLINE_VALUES &&
	    !remote_read(remote, object + basic, &capacity, sizeof(capacity)))
		type->basic_bytes += pyleak_inline_values_bytes(capacity);
}

static uint64_t dict_bytes(const struct outside_walk *walk, const struct pyleak_node *node)
{
	struct pyleak_dict_keys keys;

	if (remote_read(walk->reader->remote, node->w20, &keys, sizeof(keys)))
		return 0;
	return pyleak_dict_bytes((uint32_t)walk->reader->minor, keys, node->w28);
}

static struct counted_type *type_at(struct position *at, raddr_t address)
{
	struct counted_type **recent = &at->recent[(address >> 4) % RECENT_TYPES];

	if (!*recent || (*recent)->address != address)
		*recent = counts_type(at->counts, address);
	return *recent;
}

static int count_object(struct position *at, const struct pyleak_node *node, raddr_t object)
{
	struct counted_type *type = type_at(at, node->type);
	struct counted_container container = { .address = object, .type = node->type };
	struct pyleak_extent extent;
	size_t cnt;

	if (!type)
		return -ENOMEM;
	if (!type->basic_bytes)
		set_measure(at->walk, type, object);
	pyleak_measure(type->kind, type->item_bytes, node, &extent);
	if (type->kind == PYLEAK_KIND_DICT)
		extent.bytes = dict_bytes(at->walk, node);
	type->live++;
	type->bytes += type->basic_bytes + extent.bytes;
	at->objects++;
	if (at->walk->visit) {
		int err = at->walk->visit(object, node->type, at->walk->context);

		if (err)
			return err;
	}
	if (extent.len < at->walk->container_min)
		return 0;
	counts_containers(at->counts, &cnt);
	if (cnt >= PYLEAK_MAX_CONTAINERS) {
		at->walk->containers_lost++;
		return 0;
	}
	container.len = extent.len;
	container.bytes = type->basic_bytes + extent.bytes;
	return counts_add_container(at->counts, &container);
}

/* Is the node linked both ways, as memory is now? */
static bool is_linked(struct remote *remote, raddr_t address, raddr_t *next)
{
	uint64_t links[2];

	if (remote_read(remote, address, links, sizeof(links)) || !PYLEAK_LINK(links[0]))
		return false;
	*next = PYLEAK_LINK(links[0]);
	return PYLEAK_LINK(remote_word(remote, *next + 8)) == address &&
	       PYLEAK_LINK(remote_word(remote, PYLEAK_LINK(links[1]))) == address;
}

/* The list changed under the walk: takes it up at the newest node that is still in it. */
static int repair(struct position *at, raddr_t *previous, raddr_t *address)
{
	static const struct timespec wait = { .tv_nsec = REPAIR_WAIT_NS };
	struct remote *remote = at->walk->reader->remote;

	if (++at->walk->repairs > REPAIRS_LEAST + at->objects / OBJECTS_PER_REPAIR)
		return -EAGAIN;
	for (int try = 0; try < REPAIR_TRIES; try++) {
		int err = remote_use_cache(remote); /* forgets what was read */

		if (err)
			return err;
		for (uint64_t i = 0; i < TRAIL && i < at->trail_cnt; i++) {
			raddr_t node = at->trail[(at->trail_cnt - 1 - i) % TRAIL];

			if (is_linked(remote, node, address)) {
				*previous = node;
				return 0;
			}
		}
		nanosleep(&wait, NULL);
	}
	return -EAGAIN;
}

static int count_node(struct position *at, raddr_t address, raddr_t previous, raddr_t *next)
{
	struct pyleak_node node;
	int err = address - at->lowest_head < HEADS_EXTENT ? -EBADMSG
							   : read_node(at->walk, address, &node);

	if (!err && PYLEAK_LINK(node.prev) != previous)
		err = -EBADMSG;
	if (!err && at->objects >= at->walk->max_objects)
		err = -E2BIG;
	if (!err)
		err = count_object(at, &node, address + at->walk->lists->head_bytes);
	if (!err)
		*next = PYLEAK_LINK(node.next);
	return err;
}

/* The young lists are short and change all the time: what moved out of them is old by then, and
 * what is left of them is not worth a repair. */
static bool is_young(const struct pyleak_interpreter *interpreter, raddr_t head)
{
	return head == interpreter->heads[2] || head == interpreter->heads[PYLEAK_YOUNG_LIST];
}

static int count_list(struct position *at, raddr_t head, bool young)
{
	raddr_t previous = head, next = 0;
	raddr_t address = PYLEAK_LINK(remote_word(at->walk->reader->remote, head));

	at->trail[0] = head;
	at->trail_cnt = 1;
	while (address != head) {
		int err = count_node(at, address, previous, &next);

		if (!err) {
			previous = address;
			address = next;
			at->trail[at->trail_cnt++ % TRAIL] = previous;
			continue;
		}
		if (!at->walk->moving || (err != -EBADMSG && err != -EFAULT))
			return err;
		if (young) {
			at->walk->repairs++;
			return 0;
		}
		/* In another list: the newest nodes were freed and used again. */
		if (address - at->lowest_head < HEADS_EXTENT)
			at->trail_cnt -= at->trail_cnt < TRAIL / 2 ? at->trail_cnt - 1 : TRAIL / 2;
		err = repair(at, &previous, &address);
		if (err)
			return err;
	}
	return 0;
}

int outside_count(struct outside_walk *walk, struct counts *counts, uint64_t *objects)
{
	struct position at = { .walk = walk, .counts = counts };
	int err = remote_use_cache(walk->reader->remote);

	for (uint32_t i = 0; !err && i < walk->lists->cnt; i++) {
		const struct pyleak_interpreter *interpreter = &walk->lists->interpreters[i];

		if (walk->skip >> i & 1)
			continue;
		if (!walk->moving && interpreter->collecting &&
		    remote_word32(walk->reader->remote, interpreter->collecting))
			err = -EAGAIN;
		at.lowest_head = interpreter->heads[PYLEAK_YOUNG_LIST];
		for (int list = 0; !err && list < PYLEAK_LISTS; list++) {
			if (interpreter->heads[list])
				err = count_list(&at, interpreter->heads[list],
						 is_young(interpreter, interpreter->heads[list]));
		}
	}
	remote_drop_cache(walk->reader->remote);
	*objects = at.objects;
	return err;
}

uint64_t outside_fingerprint(const struct outside_walk *walk)
{
	uint64_t mark = 1469598103934665603ULL, words[3];

	for (uint32_t i = 0; i < walk->lists->cnt; i++) {
		for (int list = 0; list < PYLEAK_LISTS; list++) {
			raddr_t head = walk->lists->interpreters[i].heads[list];

			/* Links, and the count of allocations behind them. */
			if (!head || remote_read(walk->reader->remote, head, words, sizeof(words)))
				continue;
			for (int w = 0; w < 3; w++)
				mark = (mark ^ words[w]) * 1099511628211ULL;
		}
	}
	return mark;
}
