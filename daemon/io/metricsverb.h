/*
 * metricsverb.h - the verbs metrics, series, labels, label_values and metadata of the
 * control socket (base/ctl.h): what `mesh metrics`, `mesh top` and meshd-http ask.
 */
#ifndef IO_METRICSVERB_H
#define IO_METRICSVERB_H

#include "ctl.h"

struct engine;

void metricsverb_metrics(struct engine *e, struct ctl_req *r);
void metricsverb_series(struct engine *e, struct ctl_req *r);
void metricsverb_labels(struct engine *e, struct ctl_req *r);
void metricsverb_values(struct engine *e, struct ctl_req *r);
void metricsverb_metadata(struct engine *e, struct ctl_req *r);

#endif
