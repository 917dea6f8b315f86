/*
 * journal.c - see journal.h.
 */
#include "journal.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "../base/err.h"

int
journal_init(struct journal *j)
{
	j->next = 1;
	j->ring = calloc(JOURNAL_EVENTS, sizeof *j->ring);
	return j->ring != NULL ? 0 : -ERR_FULL;
}

void
journal_free(struct journal *j)
{
	free(j->ring);
	*j = (struct journal){0};
}

void
journal_add(struct journal *j, uint64_t at_ms, const char *kind, const char *subject,
    const char *fmt, ...)
{
	struct journal_event *e;
	char text[4 * JOURNAL_TEXT_CAP];
	va_list ap;

	if (j->ring == NULL)
		return; /* before the start, or after the end */
	e = &j->ring[j->next % JOURNAL_EVENTS];
	*e = (struct journal_event){.seq = j->next++, .at_ms = at_ms};
	snprintf(e->kind, sizeof e->kind, "%s", kind);
	snprintf(e->subject, sizeof e->subject, "%s", subject);
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	err_escape(e->text, sizeof e->text, text, strlen(text));
}

uint64_t
journal_first(const struct journal *j)
{
	return j->next > JOURNAL_EVENTS ? j->next - JOURNAL_EVENTS : 1;
}

const struct journal_event *
journal_get(const struct journal *j, uint64_t seq)
{
	if (j->ring == NULL || seq < journal_first(j) || seq >= j->next)
		return NULL;
	return &j->ring[seq % JOURNAL_EVENTS];
}

/* --- the machine's lines --------------------------------------------------------- */

/* %N its number, %B who said so. */
static const struct word {
	const char *line, *kind, *text;
} words[] = {
    {"alive", "alive", "it answers, or others say so"},
    {"suspect", "suspect", "no answer to %B"},
    {"failed", "failed", "it did not deny its death in time, or another node saw it"},
    {"dead", "failed", "no report, and no answer to the leader's probes"},
    {"left", "left", "it said goodbye"},
    {"forgotten", "forgotten", "dead for 72 h, and it never had a vote"},
    {"evicted", "evicted", "put out of the cluster for good"},
    {"unstable", "unstable", "called dead or suspected again and again, it lives: nothing new for it until it is quiet"},
    {"refute", "refute", "others called this node dead: denied"},
    {"last word", "failed", "what it said before its death came after it: dead all the same"},
    {"name taken", "name-taken", "another node has the same name"},
    {"candidate", "candidate", "asks for votes in term %N"},
    {"leader", "leader", "leads in term %N"},
    {"leads", "leader", "this node leads in term %N"},
    {"leads on", "leader", "this node leads on, in term %N"},
    {"lost", "leader-lost", "no beat of it for a lease, in term %N"},
    {"resigned", "resigned", "it gave up its lead of term %N"},
    {"resign", "resigned", "this node gave up its lead of term %N"},
    {"outvoted", "leader-lost", "this node was outvoted, in term %N"},
    {"lease over", "leader-lost", "this node's lease of term %N is over: no quorum answers"},
    {"paused", "paused", "this node stood still: it led nothing meanwhile"},
    {"cut", "cut", "%N members or more fell silent within a second: a cut, or many deaths"},
    {"joined", "joined", "this node is a member now"},
    {"leave", "left", "this node says goodbye"},
    {"leaving", "leaving", "this node leaves for good: its vote goes first"},
    {"leaves no more", "leaving", "this node stays after all"},
    {"refused", "refused", "somebody was not let in"}, /* io/events.c knows more of these two */
    {"not let in", "refused", "a member did not let this node in: mesh status"},
    {"no vote: token spent", "token", "it came with a token that is used up: no vote, no work"},
    {"no vote: token expired", "token", "it came with a token that has expired: no vote, no work"},
    {"restarting", "restarting", "it restarts, and said so"},
    {"restarted", "restarted", "it is in its next life already, %N"},
    {"moved", "moved", "it has another address now: mesh members"},
    {"draining", "draining", "it is being drained: nothing new for it, and its work moves"},
    {"drains no more", "draining", "it is drained no more"},
    {"keys announced", "keys", "epoch %N of the cluster key is announced: used once all have it"},
    {"keys fetched", "keys", "this node has epoch %N of the cluster key"},
    {"keys used", "keys", "epoch %N of the cluster key is in use"},
    {"keys retired", "keys", "epoch %N of the cluster key counts for nothing any more"},
    {"path cut", "path", "six pings in a row unanswered, while it lives: the path to this node is cut, one way or both"},
    {"path whole", "path", "it answers this node again: the path is whole"},
    {"udp blocked", "udp-blocked", "only TCP passes between it and this node: nothing new for it"},
    {"no common wire version", "version", "it speaks no version of the wire that this node does: from %N on"},
    {"twin: yields", "clone", "one identity in two places: this one falls silent"},
    {"nobody answers: the next life", "life", "nobody answers: it goes on in its next life, %N"},
    {"lived before: the next life", "life", "others know more of this life than this node itself, whose disk was lost: it goes on in the next, %N"},
    {"twin: gone", "clone", "others know a later life of this node, and nobody lives it: it goes on in one above"},
    {"twin: outlived", "clone", "one identity in two places: this one stays"},
    {"a life's numbers are used up", "life", "this node goes on in its next life, %N"},
    {"recovered", "recovered", "it gave up all who were dead: the roster is made anew (%N)"},
    {"recovered elsewhere, and outranked", "recovered", "another side was recovered too (%N): this one counts, and puts it out"},
    {"claims the impossible", "claim", "it claims a term or schedule that can't be, and is not heard: put it out if it goes on"},
    {"climbs again and again", "claim", "by its word this leader took a new term 3 times within a minute: it acts on schedules that nobody knows, or is cut off again and again"},
    {"roster forced", "roster", "version %N is in force here, by order of an operator"},
    {"roster of no voter refused", "roster", "it names version %N, of one who has no vote to make it: refused; if that node went bad: mesh evict"},
    {"roster unsigned refused", "roster", "it names version %N, which its maker did not sign: refused; if that node went bad: mesh evict"},
    {"roster joint", "roster", "version %N: the old and the new set must both agree"},
    {"roster", "roster", "version %N is in force here"},
};

/* The row whose words the line starts with; the longest. */
static const struct word *
find(const char *line, size_t *len)
{
	const struct word *best = NULL;

	*len = 0;
	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		size_t n = strlen(words[i].line);

		if (strncmp(line, words[i].line, n) != 0 || (line[n] != ' ' && line[n] != '\0') ||
		    n <= *len)
			continue;
		best = &words[i];
		*len = n;
	}
	return best;
}

static void
put(char *out, size_t cap, const char *text, const char *number, const char *by)
{
	size_t at = 0;

	for (; *text != '\0' && at + 1 < cap; text++) {
		const char *with = NULL;

		if (text[0] == '%' && text[1] == 'N')
			with = number;
		else if (text[0] == '%' && text[1] == 'B')
			with = by;
		if (with == NULL) {
			out[at++] = *text;
			continue;
		}
		text++;
		for (; *with != '\0' && at + 1 < cap; with++)
			out[at++] = *with;
	}
	out[at] = '\0';
}

void
journal_trace(struct journal *j, uint64_t at_ms, const char *self, const char *line, const char *by)
{
	char subject[NAME_CAP], text[JOURNAL_TEXT_CAP], prober[NAME_CAP + 16];
	size_t len;
	const struct word *w = find(line, &len);
	const char *rest = line + len + (line[len] == ' ');
	size_t n = strcspn(rest, " ");
	const char *number = rest + n + (rest[n] == ' ');

	if (w == NULL) {
		journal_add(j, at_ms, "mesh", self, "%s", line);
		return;
	}
	/* "cut 4": no name, for it is nobody's. */
	if (n > 0 && *number == '\0' && strspn(rest, "0123456789") == n &&
	    strstr(w->text, "%N") != NULL) {
		number = rest;
		n = 0;
	}
	if (*number == '\0')
		number = "0"; /* the machine leaves it out */
	if (n >= sizeof subject)
		n = sizeof subject - 1;
	memcpy(subject, rest, n);
	subject[n] = '\0';
	snprintf(prober, sizeof prober, "%s%s", by[0] != '\0' ? "a probe of " : "a probe", by);
	put(text, sizeof text, w->text, number, prober);
	journal_add(j, at_ms, w->kind, n > 0 ? subject : self, "%s", text);
}
