/* SPDX-License-Identifier: BSD-2-Clause */
/* Saved graphs as files: what comes back, how they are replaced, and what is said when they cannot
 * be written or read. */
#include <criterion/criterion.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "graph_bytes.h"
#include "snapshot/graph_file.h"

static char folder[32], path[64], said[1024];
static int said_cnt;

static void keep_line(enum log_level level, const char *line)
{
	(void)level;
	snprintf(said, sizeof(said), "%s", line);
	said_cnt++;
}

static void begin(void)
{
	strcpy(folder, "/tmp/graph-XXXXXX");
	cr_assert_not_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/a.pyleak", folder);
	log_set_sink(keep_line);
}

static void end(void)
{
	char command[64];

	snprintf(command, sizeof(command), "rm -rf %s", folder);
	cr_expect_eq(system(command), 0);
}

TestSuite(graph_file, .init = begin, .fini = end);

static size_t files_in_folder(void)
{
	DIR *dir = opendir(folder);
	size_t cnt = 0;

	cr_assert_not_null(dir);
	while (readdir(dir))
		cnt++;
	closedir(dir);
	return cnt - 2;
}

static void write_file(const void *bytes, size_t size)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);

	cr_assert(fd >= 0);
	cr_assert_eq(write(fd, bytes, size), (ssize_t)size);
	close(fd);
}

/* The line that a failing load says. */
static const char *load_fails(const char *from, uint64_t max_bytes, int expected)
{
	struct heap_graph *graph = NULL;

	said_cnt = 0;
	cr_expect_eq(graph_load(from, max_bytes, &graph), expected, "%s: %s", from, said);
	cr_expect_null(graph);
	cr_expect_eq(said_cnt, 1);
	return said;
}

static void expect_comes_back(const struct heap_graph *graph)
{
	struct heap_graph *loaded;

	cr_assert(graph_is_sound(graph));
	cr_assert_eq(graph_save(graph, path), 0, "%s", said);
	cr_assert_eq(graph_load(path, 0, &loaded), 0, "%s", said);
	cr_expect(graph_is_sound(loaded));
	cr_expect(graphs_equal(graph, loaded));
	graph_destroy(loaded);
}

static uint64_t random_state;

static uint32_t random_below(uint32_t below)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (uint32_t)(random_state >> 16) % below;
}

static void *items(size_t cnt, size_t size)
{
	void *made = calloc(cnt + 1, size);

	cr_assert_not_null(made);
	return made;
}

static void make_names(struct heap_graph *graph, uint32_t cnt)
{
	graph->name_cnt = cnt;
	graph->names = items(cnt, sizeof(*graph->names));
	graph->text = items(cnt, 8);
	graph->text_bytes = 1;
	/* In any order; some are the ends of others. */
	for (uint32_t i = 1; i < cnt; i++) {
		graph->names[i] = graph->text_bytes + random_below(2);
		graph->text_bytes +=
			(uint32_t)sprintf(graph->text + graph->text_bytes, "%x", i * 77) + 1;
	}
}

static void make_nodes(struct heap_graph *graph, uint32_t cnt)
{
	graph->node_cnt = cnt;
	graph->nodes = items(cnt, sizeof(*graph->nodes));
	graph->first = items(cnt + 1, sizeof(*graph->first));
	for (uint32_t i = 0; i < cnt; i++) {
		graph->nodes[i] = (struct graph_node){
			.address = (uint64_t)random_below(UINT32_MAX) << random_below(33),
			.bytes = (uint64_t)random_below(UINT32_MAX) << random_below(9),
			.flags = i ? random_below(NODE_STATIC * 2) : NODE_PSEUDO,
			.refcount = UINT32_MAX - random_below(3) * random_below(1000),
			.type = random_below(graph->type_cnt),
		};
	}
}

static void make_edges(struct heap_graph *graph, uint32_t per_node)
{
	uint32_t cnt = 0;

	graph->edges =
		items(graph->root_cnt + (size_t)graph->node_cnt * per_node, sizeof(*graph->edges));
	for (uint32_t i = 0; i < graph->root_cnt; i++)
		graph->edges[cnt++] = (struct graph_edge){ .to = graph->roots[i].node,
							   .kind = EDGE_ROOT,
							   .value = i };
	for (uint32_t n = 1; n < graph->node_cnt; n++) {
		graph->first[n] = cnt;
		for (uint32_t e = random_below(per_node + 1); e; e--) {
			uint32_t kind = 1 + random_below(EDGE_KIND_CNT - 1);

			graph->edges[cnt++] = (struct graph_edge){
				.to = 1 + random_below(graph->node_cnt - 1),
				.kind = kind,
				.value = kind == EDGE_INDEX || kind == EDGE_SCAN
						 ? random_below(2) * EDGE_VALUE_MAX
						 : random_below(graph->name_cnt),
			};
		}
	}
	graph->first[graph->node_cnt] = graph->edge_cnt = cnt;
}

static struct heap_graph *random_graph(uint64_t seed, uint32_t size)
{
	struct heap_graph *graph = calloc(1, sizeof(*graph));

	cr_assert_not_null(graph);
	random_state = 0x9e3779b97f4a7c15ULL * (seed + 1);
	make_names(graph, 1 + random_below(size));
	graph->type_cnt = 1 + random_below(size);
	graph->types = items(graph->type_cnt, sizeof(*graph->types));
	make_nodes(graph, 2 + random_below(size));
	for (uint32_t i = 0; i < graph->type_cnt; i++) {
		graph->types[i] = (struct graph_type){
			.name = random_below(graph->name_cnt),
			.node = random_below(2) ? NODE_NONE : random_below(graph->node_cnt),
			.role = (uint8_t)random_below(ROLE_CNT),
			.own = random_below(2),
		};
	}
	graph->root_cnt = random_below(size);
	graph->roots = items(graph->root_cnt, sizeof(*graph->roots));
	for (uint32_t i = 0; i < graph->root_cnt; i++) {
		graph->roots[i] = (struct graph_root){
			.node = 1 + random_below(graph->node_cnt - 1),
			.name = random_below(graph->name_cnt),
			.kind = (uint8_t)random_below(ROOT_KIND_CNT),
		};
	}
	make_edges(graph, random_below(9));
	return graph;
}

Test(graph_file, a_graph_comes_back_as_it_was)
{
	struct heap_graph *graph = graph_small();

	expect_comes_back(graph);
	graph_destroy(graph);
}

Test(graph_file, any_sound_graph_comes_back)
{
	for (uint64_t seed = 0; seed < 100; seed++) {
		struct heap_graph *graph = random_graph(seed, seed < 50 ? 5 : 200);

		expect_comes_back(graph);
		graph_destroy(graph);
	}
}

Test(graph_file, columns_of_many_blocks_come_back)
{
	struct heap_graph *graph = random_graph(16, 400000);

	cr_assert(graph->edge_cnt > 300000, "%u edges", graph->edge_cnt);
	expect_comes_back(graph);
	graph_destroy(graph);
}

Test(graph_file, only_its_owner_can_read_it_and_it_replaces_what_was_there)
{
	struct heap_graph *graph = graph_small();
	struct stat before, after;
	int reader;

	umask(0);
	write_file("old", 3);
	reader = open(path, O_RDONLY);
	cr_assert_eq(fstat(reader, &before), 0);
	expect_comes_back(graph);
	cr_assert_eq(stat(path, &after), 0);
	cr_expect_eq(after.st_mode & 07777, 0600);
	cr_expect_neq(after.st_ino, before.st_ino, "written into a file that others may read");
	cr_expect_eq(read(reader, said, sizeof(said)), 3);
	cr_expect_eq(files_in_folder(), 1);
	close(reader);
	graph_destroy(graph);
}

Test(graph_file, what_fails_half_way_leaves_the_old_file)
{
	struct heap_graph *graph = graph_small();
	struct rlimit limit = { 400, 400 };

	write_file("old", 3);
	signal(SIGXFSZ, SIG_IGN);
	cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	cr_expect_eq(graph_save(graph, path), -EFBIG);
	cr_expect(strstr(said, "cannot save to /tmp/graph-"), "%s", said);
	cr_expect_eq(files_in_folder(), 1);
	load_fails(path, 0, -EPROTONOSUPPORT);
	graph_destroy(graph);
}

Test(graph_file, a_full_disk_is_named)
{
	struct heap_graph *graph = random_graph(16, 100000);
	int full = open("/dev/full", O_WRONLY);

	cr_assert(full >= 0);
	cr_expect_eq(graph_encode(graph, full), -ENOSPC);
	close(full);
	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("none", folder, "tmpfs", 0, "size=64k")) {
		graph_destroy(graph);
		return; /* not root */
	}
	cr_expect_eq(graph_save(graph, path), -ENOSPC);
	cr_expect(strstr(said, "No space left on device; free some"), "%s", said);
	cr_expect_eq(files_in_folder(), 0);
	umount(folder);
	graph_destroy(graph);
}

Test(graph_file, links_devices_and_folders_are_not_replaced)
{
	struct heap_graph *graph = graph_small();
	const char *const places[] = { "/dev/full", "/tmp", path };

	cr_assert_eq(symlink("/etc/hostname", path), 0);
	for (size_t i = 0; i < 3; i++) {
		said_cnt = 0;
		cr_expect_eq(graph_save(graph, places[i]), -EEXIST, "%s", places[i]);
		cr_expect(said_cnt == 1 && strstr(said, "no regular file"), "%s", said);
	}
	strcat(path, "/there/is/none");
	cr_expect_eq(graph_save(graph, path), -ENOTDIR);
	snprintf(path, sizeof(path), "%s/none/a", folder);
	cr_expect_eq(graph_save(graph, path), -ENOENT);
	cr_expect(strstr(said, "make the folder first"), "%s", said);
	cr_expect_eq(files_in_folder(), 1);
	graph_destroy(graph);
}

Test(graph_file, what_is_not_sound_is_not_saved)
{
	struct heap_graph *graph = graph_small();

	graph->edges[3].to = graph->node_cnt;
	cr_expect_eq(graph_save(graph, path), -EINVAL);
	cr_expect(strstr(said, "report this as a bug"), "%s", said);
	cr_expect_eq(files_in_folder(), 0);
	graph_destroy(graph);
}

Test(graph_file, foreign_files_are_said_to_be_foreign)
{
	const char *const foreign[] = { "/proc/self/exe", "/dev/zero", "/tmp", path };
	static const char zeros[5000];

	for (int round = 0; round < 3; round++) {
		write_file(round == 2 ? "\x89PNG\r\n\x1a\n" : zeros, round ? 8 : 0);
		load_fails(path, 0, -EPROTONOSUPPORT);
		cr_expect(strstr(said, "is not a snapshot of pyleak-bpf"), "%s", said);
	}
	write_file(zeros, sizeof(zeros));
	for (size_t i = 0; i < 4; i++) {
		load_fails(foreign[i], 0, -EPROTONOSUPPORT);
		cr_expect(strstr(said, "is not a snapshot of pyleak-bpf"), "%s", said);
	}
	unlink(path);
	cr_expect(strstr(load_fails(path, 0, -ENOENT), "No such file"), "%s", said);
	cr_assert_eq(mkfifo(path, 0600), 0);
	load_fails(path, 0, -EPROTONOSUPPORT);
}

Test(graph_file, each_cause_has_its_line)
{
	struct heap_graph *graph = graph_small();
	struct raw_graph raw;
	uint8_t *bytes;
	size_t size;

	raw_graph_open(graph, &raw);
	bytes = raw_graph_pack(&raw, &size);
	write_file(bytes, size - 1);
	cr_expect(strstr(load_fails(path, 0, -EBADMSG), ": its end is missing"), "%s", said);
	bytes[size - 1] ^= 1;
	write_file(bytes, size);
	cr_expect(strstr(load_fails(path, 0, -EBADMSG), "is damaged at byte "), "%s", said);
	cr_expect(strstr(said, "checksum"), "%s", said);
	bytes[size - 1] ^= 1;
	write_file(bytes, size);
	load_fails(path, 1000, -E2BIG);
	cr_expect(strstr(said, "--max-memory allows 0.0 MiB"), "%s", said);
	free(bytes);
	raw.header.words[WORD_VERSION] = 7;
	bytes = raw_graph_pack(&raw, &size);
	write_file(bytes, 20);
	load_fails(path, 0, -EPROTONOSUPPORT);
	cr_expect(strstr(said, "newer version (format 7, this reads up to 1)"), "%s", said);
	free(bytes);
	raw_graph_close(&raw);
	graph_destroy(graph);
}
