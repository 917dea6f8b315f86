/*
 * collect_sensors.h - temperatures: /sys/class/hwmon and thermal, where there are any, in
 * node_exporter's names.  Reading one can take milliseconds (a bus, a disk that is asked),
 * so one is read a tick; each comes about every ten seconds, or rarer where there are many.
 */
#ifndef IO_COLLECT_SENSORS_H
#define IO_COLLECT_SENSORS_H

#include "reading.h"

struct sensors;

/* of: borrowed until the end.  dir, path: what is /sys/class.  NULL without memory. */
MUST_CHECK struct sensors *sensors_new(const struct reading_of *of, int dir, const char *path);
void sensors_tick(struct sensors *s, int64_t tick);
void sensors_free(struct sensors *s);

#endif
