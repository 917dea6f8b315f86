/*
 * What a node tells about itself, from real directories.
 */
#include "world.h"

#include <sys/utsname.h>

#include "../../../daemon/io/facts.h"

static void
directories_are_images_and_yaml_files_are_sandboxes(void **state)
{
	struct view_facts f;
	struct utsname u;
	struct world img, box;
	struct err err;

	(void)state;
	world_open(&img);
	world_open(&box);
	assert_int_equal(mkdirat(img.fd, "web-v2", 0755), 0);
	assert_int_equal(mkdirat(img.fd, "front", 0755), 0);
	assert_int_equal(mkdirat(img.fd, ".hidden", 0755), 0);
	assert_int_equal(mkdirat(img.fd, "Upper", 0755), 0);
	world_text(&img, "a-file", "no image");
	assert_int_equal(symlinkat("front", img.fd, "link"), 0);
	world_text(&box, "web.yaml", "");
	world_text(&box, "Upper.yaml", ""); /* no name for a sandbox */
	world_text(&box, "front.yaml", "");
	world_text(&box, "front.yaml~", "");
	world_text(&box, ".yaml", "");
	world_text(&box, "notes.txt", "");
	assert_int_equal(mkdirat(box.fd, "dir.yaml", 0755), 0);
	assert_int_equal(facts_fill(&f, img.fd, box.fd, &err), 0);
	assert_int_equal(f.images_count, 3);
	assert_string_equal(f.images[0], "Upper");
	assert_string_equal(f.images[1], "front");
	assert_string_equal(f.images[2], "web-v2");
	assert_int_equal(f.sandboxes_count, 2);
	assert_string_equal(f.sandboxes[0], "front");
	assert_string_equal(f.sandboxes[1], "web");
	assert_int_equal(uname(&u), 0);
	assert_string_equal(f.kernel, u.release);
	assert_string_equal(f.arch, u.machine);
	assert_true(f.cpus >= 1 && f.memory_bytes > 1 << 20);
	assert_int_equal(f.config_hash, 0);
	facts_free(&f);
	assert_null(f.images);
	world_close(&img);
	world_close(&box);
}

static void
deep(const struct world *w, const char *path)
{
	char at[512];

	for (size_t i = 1; i <= strlen(path); i++)
		if (path[i] == '/' || path[i] == '\0') {
			snprintf(at, sizeof at, "%.*s", (int)i, path);
			if (mkdirat(w->fd, at, 0755) < 0)
				assert_int_equal(errno, EEXIST);
		}
}

/* As a sandbox with image-dir-levels: 2 takes them. */
static void
images_of_more_levels_are_told_whole(void **state)
{
	static const char *const want[] = {"1/2/3/4/5/6/7/8", "org/api", "org/web", "plain", "unknown"};
	struct view_facts f;
	struct world img;
	struct err err;

	(void)state;
	world_open(&img);
	deep(&img, "org/web/proc");
	deep(&img, "org/web/bin/proc"); /* of the image's own */
	deep(&img, "org/api/proc");
	deep(&img, "org/empty");
	deep(&img, "org/.hidden/proc");
	deep(&img, "plain/proc");
	deep(&img, "unknown/etc");
	deep(&img, "1/2/3/4/5/6/7/8/proc");
	deep(&img, "9/2/3/4/5/6/7/8/9/proc"); /* no schedule can name it */
	assert_int_equal(symlinkat("org", img.fd, "link"), 0);
	assert_int_equal(symlinkat("..", img.fd, "unknown/up"), 0);
	assert_int_equal(facts_fill(&f, img.fd, -1, &err), 0);
	assert_int_equal(f.images_count, ARRAY_LEN(want) + 1);
	assert_string_equal(f.images[1], "9");
	assert_string_equal(f.images[0], want[0]);
	for (size_t i = 1; i < ARRAY_LEN(want); i++)
		assert_string_equal(f.images[i + 1], want[i]);
	facts_free(&f);
	world_close(&img);
}

/* The name is without the end that says what it is; of one name one is told. */
static void
files_are_images(void **state)
{
	static const char *const want[] = {"Upper-v1.2", "both", "org/web", "plain", "squash", "three"};
	static const char *const files[] = {"Upper-v1.2.erofs", "squash.squashfs", "both.erofs", "three.erofs",
	    "three.squashfs", ".temp.erofs.Xy12Zw", ".erofs", "a b.erofs", "half.erofs.part", "org/web.erofs"};
	char head[1100] = {0};
	struct view_facts f;
	struct world img;
	struct err err;

	(void)state;
	world_open(&img);
	deep(&img, "both/proc");
	deep(&img, "org");
	deep(&img, "dir.erofs/proc");
	for (size_t i = 0; i < ARRAY_LEN(files); i++)
		world_text(&img, files[i], "");
	memcpy(head + 1024, "\xe2\xe1\xf5\xe0", 4);
	world_write(&img, "plain", head, sizeof head, 0644);
	world_write(&img, "short", head, 1027, 0644);
	assert_int_equal(symlinkat("plain", img.fd, "link"), 0);
	assert_int_equal(mkfifoat(img.fd, "fifo", 0644), 0);
	assert_int_equal(facts_fill(&f, img.fd, -1, &err), 0);
	assert_int_equal(f.images_count, ARRAY_LEN(want) + 1);
	assert_string_equal(f.images[0], want[0]);
	assert_string_equal(f.images[1], want[1]);
	assert_string_equal(f.images[2], "dir.erofs");
	for (size_t i = 2; i < ARRAY_LEN(want); i++)
		assert_string_equal(f.images[i + 1], want[i]);
	facts_free(&f);
	world_close(&img);
}

static void
none_is_none(void **state)
{
	struct view_facts f;
	struct err err;

	(void)state;
	assert_int_equal(facts_fill(&f, -1, -1, &err), 0);
	assert_int_equal(f.images_count, 0);
	assert_int_equal(f.sandboxes_count, 0);
	assert_true(f.cpus >= 1);
	facts_free(&f);
}

/* The list is bounded and does not depend on the directory's order. */
static void
too_many_keep_the_first_by_name(void **state)
{
	struct view_facts f;
	struct world img;
	struct err err;
	char name[32];

	(void)state;
	world_open(&img);
	for (int i = 399; i >= 0; i--) {
		snprintf(name, sizeof name, "image-%03d", i * 7 % 400);
		assert_int_equal(mkdirat(img.fd, name, 0755), 0);
	}
	assert_int_equal(facts_fill(&f, img.fd, -1, &err), 0);
	assert_int_equal(f.images_count, VIEW_LIST_MAX);
	for (uint32_t i = 0; i < f.images_count; i++) {
		snprintf(name, sizeof name, "image-%03u", i);
		assert_string_equal(f.images[i], name);
	}
	facts_free(&f);
	world_close(&img);
}

static void
what_is_no_directory_is_an_error(void **state)
{
	struct view_facts f;
	struct world w;
	struct err err;
	int fd;

	(void)state;
	world_open(&w);
	world_text(&w, "file", "x");
	fd = openat(w.fd, "file", O_RDONLY);
	assert_int_equal(facts_fill(&f, fd, -1, &err), -EXIT_STATE);
	assert_err(err, EXIT_STATE, "images-dir: Not a directory");
	assert_int_equal(mkdirat(w.fd, "image", 0755), 0);
	assert_int_equal(facts_fill(&f, w.fd, fd, &err), -EXIT_STATE);
	assert_err(err, EXIT_STATE, "sandboxes-dir: Not a directory");
	assert_null(f.images); /* nothing half */
	close(fd);
	world_close(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(directories_are_images_and_yaml_files_are_sandboxes),
		cmocka_unit_test(images_of_more_levels_are_told_whole),
		cmocka_unit_test(files_are_images),
		cmocka_unit_test(none_is_none),
		cmocka_unit_test(too_many_keep_the_first_by_name),
		cmocka_unit_test(what_is_no_directory_is_an_error),
	};

	return cmocka_run_group_tests_name("facts", tests, NULL, NULL);
}
