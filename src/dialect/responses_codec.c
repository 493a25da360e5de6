/* SPDX-License-Identifier: Apache-2.0 */
/* responses_codec: Responses to and from the neutral model. */
#include "dialect/responses_in.h"

const struct chat_codec openai_responses_codec = {
	.read_request = responses_read_request,
	.write_request = responses_write_request,
	.fill_reply = responses_fill_reply,
	.read_response = responses_read_response,
	.write_response = responses_write_response,
	.write_count = responses_write_count,
	.reader_size = sizeof(struct responses_reader),
	.writer_size = sizeof(struct responses_writer),
	.reader_init = responses_reader_init,
	.read_event = responses_read_event,
	.writer_init = responses_writer_init,
	.writer_fini = responses_writer_fini,
	.write_event = responses_write_event,
	.write_error = responses_write_error,
	.write_ping = responses_write_ping,
	.one_block = true,
};
