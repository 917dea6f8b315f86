/*
 * template_in.h - scanning of a template's text, for template.c alone.
 */
#ifndef SCRIPT_TEMPLATE_IN_H
#define SCRIPT_TEMPLATE_IN_H

#include "template.h"

bool scan_space(char ch);
/* Without the space around it. */
struct slice scan_trim(struct slice s);
/* The name at the start of s, cut off from it with the space behind. */
struct slice scan_name(struct slice *s);
/* Is it a name, and nothing else? */
bool scan_word(struct slice s);
/* "{{", "{%" or "{#" at i? */
bool scan_opens(struct slice t, size_t i);
/* Where the tag that opens at off ends (just behind), or 0.  A Lua string or
 * a table inside may hold the closing mark.  *comment: a Lua comment there. */
size_t scan_tag(struct slice t, size_t off, bool *comment);
/* Does the line at off hold only {% %} and {# #}?  Then *end is behind its
 * newline. */
bool scan_line(struct slice t, size_t off, size_t *end);
/* Cut off what stands before the first `|` that is in no string and no bracket;
 * *s is then what comes behind it, or empty with p = NULL: there was none. */
struct slice scan_piece(struct slice *s);
/* Do these arguments stay inside the parentheses around them? */
bool scan_closed(struct slice s);
/* "b.prot" is a field of b, which is then given; else empty. */
struct slice scan_owner(struct slice expr);

#endif
