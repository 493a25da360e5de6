/* SPDX-License-Identifier: Apache-2.0 */
/* openai_chat_codec: the record of Chat Completions. */

#include "dialect/openai_chat_in.h"

const struct chat_codec openai_chat_codec = {
	.read_request = openai_chat_read_request,
	.write_request = openai_chat_write_request,
	.fill_reply = openai_chat_fill_reply,
	.read_response = openai_chat_read_response,
	.write_response = openai_chat_write_response,
	.reader_size = OPENAI_CHAT_READER_SIZE,
	.writer_size = OPENAI_CHAT_WRITER_SIZE,
	.reader_init = openai_chat_reader_init,
	.reader_fini = openai_chat_reader_fini,
	.read_event = openai_chat_read_event,
	.writer_init = openai_chat_writer_init,
	.writer_fini = openai_chat_writer_fini,
	.write_event = openai_chat_write_event,
	.write_error = openai_chat_write_error,
	.write_ping = openai_chat_write_ping,
};
