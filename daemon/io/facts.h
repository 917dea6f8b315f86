/*
 * facts.h - what a node tells about itself and what rarely changes: the
 * machine, the images it has, the sandboxes its administrator allows.
 * Placement never picks a node without the image and the sandbox.
 */
#ifndef IO_FACTS_H
#define IO_FACTS_H

#include "../base/err.h"
#include "../core/view.h"

/*
 * Fill *out (zeroed first; config_hash is left 0 for the caller).
 * images_fd: the images directory; its subdirectories with a valid name are
 * images, or hold some ("org/web"), which is looked for to the level that a
 * report can tell; files NAME.erofs and NAME.squashfs are, and others that begin
 * as such a file does.  sandboxes_fd: the master file's sandboxes-dir; every NAME.yaml is one.
 * Both borrowed; -1 = there is none.  Lists are sorted, at most
 * VIEW_LIST_MAX; names that can't be names are left out.
 * EXIT_STATE when a directory can't be read.
 */
MUST_CHECK int facts_fill(struct view_facts *out, int images_fd,
    int sandboxes_fd, struct err *err);
void facts_free(struct view_facts *f);

#endif
