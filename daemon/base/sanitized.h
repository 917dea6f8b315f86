/*
 * sanitized.h - SANITIZED is 1 in a build with AddressSanitizer, of either compiler: it maps
 * terabytes and calls more of the kernel than our filters and limits allow.
 */
#ifndef BASE_SANITIZED_H
#define BASE_SANITIZED_H

#if defined(__SANITIZE_ADDRESS__) /* gcc's word */
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

#endif
