/*
 * name.c - the names that cross privilege walls, and "did you mean".
 *
 * A name may become a file, a cgroup or a word in a table, so the alphabet is
 * small enough that no reader has to ask what a name could do.
 */
#include "name.h"

enum { SUGGEST_WORD_MAX = 64 };

static bool
is_first(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

/* upper: A-Z are letters too. */
static bool
part_ok(const char *s, size_t len, bool upper)
{
	if (len == 0 || len > NAME_BYTES_MAX)
		return false;
	for (size_t i = 0; i < len; i++) {
		bool first = is_first(s[i]) || (upper && s[i] >= 'A' && s[i] <= 'Z');

		if (!first && (i == 0 || (s[i] != '_' && s[i] != '.' && s[i] != '-')))
			return false;
	}
	return true;
}

bool
name_ok(const char *s, size_t len)
{
	return part_ok(s, len, false);
}

bool
name_image_part_ok(const char *s, size_t len)
{
	return part_ok(s, len, true);
}

bool
name_list_ok(const char *s)
{
	for (;; s++) {
		size_t len = strcspn(s, ",");

		if (!name_ok(s, len))
			return false;
		if (*(s += len) == '\0')
			return true;
	}
}

bool
name_image_ok(const char *s, size_t len, int levels)
{
	size_t start = 0;
	int parts = 0;

	for (size_t i = 0; i <= len; i++) {
		if (i < len && s[i] != '/')
			continue;
		/* "", "." and ".." fail here: a name starts with a letter or digit. */
		if (!name_image_part_ok(s + start, i - start) || ++parts > levels)
			return false;
		start = i + 1;
	}
	return true;
}

bool
name_glob(const char *glob, const char *s)
{
	const char *star = NULL, *back = s;

	/* Only the last star may take more: what is before it matched as early as it
	 * could, so nothing is tried twice. */
	while (*s != '\0') {
		if (*glob == '*') {
			star = ++glob;
			back = s;
		} else if (*glob == '?' || (*glob != '\0' && *glob == *s)) {
			glob++;
			s++;
		} else if (star != NULL) {
			glob = star;
			s = ++back;
		} else {
			return false;
		}
	}
	while (*glob == '*')
		glob++;
	return *glob == '\0';
}

static size_t
min3(size_t a, size_t b, size_t c)
{
	size_t m = a < b ? a : b;

	return m < c ? m : c;
}

/* Edit distance with swaps of neighbours as one edit: the commonest typo. */
static size_t
distance(const char *a, size_t alen, const char *b, size_t blen)
{
	size_t row[3][SUGGEST_WORD_MAX + 1];
	size_t *before = row[0], *prev = row[1], *cur = row[2];

	for (size_t j = 0; j <= blen; j++)
		prev[j] = j;
	memcpy(before, prev, sizeof row[0]);
	for (size_t i = 1; i <= alen; i++) {
		cur[0] = i;
		for (size_t j = 1; j <= blen; j++) {
			size_t sub = prev[j - 1] + (a[i - 1] != b[j - 1]);

			cur[j] = min3(sub, prev[j] + 1, cur[j - 1] + 1);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
			    before[j - 2] + 1 < cur[j])
				cur[j] = before[j - 2] + 1;
		}
		size_t *free_row = before;

		before = prev;
		prev = cur;
		cur = free_row;
	}
	return prev[blen];
}

const char *
name_suggest(const char *word, const char *const *words, size_t count)
{
	size_t len = strlen(word);
	size_t best = 1 + len / 4;
	const char *found = NULL;

	if (len == 0 || len > SUGGEST_WORD_MAX)
		return NULL;
	for (size_t i = 0; i < count; i++) {
		size_t wlen = strlen(words[i]);

		if (wlen > SUGGEST_WORD_MAX)
			continue;
		size_t d = distance(word, len, words[i], wlen);

		/* The first of equals wins; replacing the whole word is no help. */
		if (d < len && (found == NULL ? d <= best : d < best)) {
			found = words[i];
			best = d;
		}
	}
	return found;
}
