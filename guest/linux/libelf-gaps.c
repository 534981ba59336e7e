/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * libelf.a of elfutils 0.192 (Debian 13) calls these two functions, which are in
 * a library that Debian does not ship. They set up and free the tree of raw
 * chunks of a file (elf_getdata_rawchunk). libbpf, the only user of libelf in a
 * static agent, asks for no raw chunks: a use of the tree would not link.
 */
void eu_search_tree_init(void *tree);
void eu_search_tree_fini(void *tree, void (*free_node)(void *));

void eu_search_tree_init(void *tree)
{
    (void)tree;
}

void eu_search_tree_fini(void *tree, void (*free_node)(void *))
{
    (void)tree;
    (void)free_node;
}
