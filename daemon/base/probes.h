/*
 * probes.h - what the engine asks of a running container by itself, as the container's
 * file has it: its health, and its metrics.  Part of proto.h.
 */
#ifndef BASE_PROBES_H
#define BASE_PROBES_H

#include "../../gossip/base.h"

/* TCP and HTTP are asked by the engine, EXEC by the supervisor, who tells what
 * came of it: root reads no byte from the network, the engine enters no container. */
enum sup_health { SUP_HEALTH_NONE, SUP_HEALTH_TCP, SUP_HEALTH_HTTP, SUP_HEALTH_EXEC };

/* Of this run: WAIT until it is well for the first time. */
enum sup_well { SUP_WELL_WAIT, SUP_WELL_YES, SUP_WELL_NO };

enum { SUP_HTTP_PATH_CAP = 128, SUP_SCRAPES_MAX = 4 };

/* How a container's health is asked; numbers that are 0 mean their default. */
struct sup_probe {
	uint32_t kind, port;
	uint32_t interval_ms, timeout_ms;
	uint32_t failures, successes; /* in a row: that make it unwell, and well again */
	uint32_t start_ms, pad_;      /* liveness: not asked in the first ... of a run */
	char path[SUP_HTTP_PATH_CAP];
};

/* Where a container answers for its metrics, by HTTP: on its own address, or the host's. */
struct sup_scrape {
	uint32_t port; /* 0: nowhere */
	uint32_t interval_ms, timeout_ms, pad_;
	char path[SUP_HTTP_PATH_CAP];
};

/* Each container has a small tmpfs of its own at that place, below the /dev that is made
 * for it; CANTAL_PATH names two files there, FILE.meta and FILE.values
 * (daemon/core/cantalfile.h).  What is in it is the container's. */
#define SUP_METRICS_DIR "/dev/cantal"
#define SUP_METRICS_FILE "app"
#define SUP_METRICS_SIZE "256k"

#endif
