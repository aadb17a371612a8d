/* SPDX-License-Identifier: BSD-2-Clause */
/* Two functions that libelf.a of elfutils 0.192 calls and does not have (Debian 13; sourceware bug
 * 32293, mended in 0.193). They are for the tree of raw chunks of a file, which is empty in a
 * program that never calls gelf_rawchunk(), as libbpf and we: no eu_tsearch() is linked. Weak, so
 * that a whole libelf.a comes first. For `make static` only. */
#include <assert.h>
#include <stddef.h>

/* lib/eu-search.h: the root is first; a lock may follow, which only the tree's functions take. */
struct search_tree {
	void *root;
};

void eu_search_tree_init(struct search_tree *tree);
void eu_search_tree_fini(struct search_tree *tree, void (*free_node)(void *));

__attribute__((weak)) void eu_search_tree_init(struct search_tree *tree)
{
	tree->root = NULL;
}

__attribute__((weak)) void eu_search_tree_fini(struct search_tree *tree, void (*free_node)(void *))
{
	(void)free_node;
	assert(!tree->root);
}
