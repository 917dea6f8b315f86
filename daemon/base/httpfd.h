/*
 * httpfd.h - what meshd-http is started with: standard error, and this descriptor.  It is
 * the supervisor's child, ends with it, and is asked nothing by it.
 */
#ifndef BASE_HTTPFD_H
#define BASE_HTTPFD_H

enum { HTTP_FD_CONF = 3 /* sealed memfd: the daemon config, flat records */ };

#endif
