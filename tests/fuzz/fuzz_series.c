/*
 * fuzz_series.c - any bytes as what is done to a store of series, beside a plain array
 * of what was put (tests/shared/series_model.c).
 */
#include "../../daemon/core/series_in.h"
#include "../shared/series_model.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct model m = {.brief = true};

	/* Each byte may be a thousand samples of 48 series. */
	model_drive(&m, data, len < 200 ? len : 200);
	return 0;
}
