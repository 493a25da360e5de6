/* SPDX-License-Identifier: Apache-2.0 */
/* Written by cost_table.py, which tells where the numbers come from; see there before changing one. */
{ "plain", "openai", "gpt-4o",
  "openai-chat", "2026-11-28T12:00", 3270000,
  "{\"object\":\"chat.completion\",\"choices\":[],\"usage\":{\"prompt_tokens\":1000,\"compl"
  "etion_tokens\":77,\"total_tokens\":1077,\"prompt_tokens_details\":{\"cached_tokens\":0,\""
  "audio_tokens\":0},\"completion_tokens_details\":{\"reasoning_tokens\":0,\"audio_tokens\""
  ":0,\"accepted_prediction_tokens\":0,\"rejected_prediction_tokens\":0}}}" },
{ "cached", "openai", "gpt-4o",
  "openai-chat", "2026-11-28T12:00", 2630000,
  "{\"object\":\"chat.completion\",\"choices\":[],\"usage\":{\"prompt_tokens\":1000,\"compl"
  "etion_tokens\":77,\"total_tokens\":1077,\"prompt_tokens_details\":{\"cached_tokens\":512"
  ",\"audio_tokens\":0},\"completion_tokens_details\":{\"reasoning_tokens\":0,\"audio_token"
  "s\":0,\"accepted_prediction_tokens\":0,\"rejected_prediction_tokens\":0}}}" },
{ "plain", "openai", "gpt-4o-2024-08-06",
  "openai-chat", "2026-11-28T12:00", 3922500,
  "{\"object\":\"chat.completion\",\"choices\":[],\"usage\":{\"prompt_tokens\":1137,\"compl"
  "etion_tokens\":108,\"total_tokens\":1245,\"prompt_tokens_details\":{\"cached_tokens\":0,"
  "\"audio_tokens\":0},\"completion_tokens_details\":{\"reasoning_tokens\":0,\"audio_tokens"
  "\":0,\"accepted_prediction_tokens\":0,\"rejected_prediction_tokens\":0}}}" },
{ "cached", "openai", "gpt-4o-2024-08-06",
  "openai-chat", "2026-11-28T12:00", 3202500,
  "{\"object\":\"chat.completion\",\"choices\":[],\"usage\":{\"prompt_tokens\":1137,\"compl"
  "etion_tokens\":108,\"total_tokens\":1245,\"prompt_tokens_details\":{\"cached_tokens\":57"
  "6,\"audio_tokens\":0},\"completion_tokens_details\":{\"reasoning_tokens\":0,\"audio_toke"
  "ns\":0,\"accepted_prediction_tokens\":0,\"rejected_prediction_tokens\":0}}}" },
{ "plain", "openai", "gpt-4o-mini",
  "openai-chat", "2026-11-28T12:00", 274500,
  "{\"object\":\"chat.completion\",\"choices\":[],\"usage\":{\"prompt_tokens\":1274,\"compl"
  "etion_tokens\":139,\"total_tokens\":1413,\"prompt_tokens_details\":{\"cached_tokens\":0,"
  "\"audio_tokens\":0},\"completion_tokens_details\":{\"reasoning_tokens\":0,\"audio_tokens"
  "\":0,\"accepted_prediction_tokens\":0,\"rejected_prediction_tokens\":0}}}" },
{ "cached", "openai", "gpt-4o-mini",
  "openai-chat", "2026-11-28T12:00", 226500,
  "{\"object\":\"chat.completion\",\"choices\":[],\"usage\":{\"prompt_tokens\":1274,\"compl"
  "etion_tokens\":139,\"total_tokens\":1413,\"prompt_tokens_details\":{\"cached_tokens\":64"
  "0,\"audio_tokens\":0},\"completion_tokens_details\":{\"reasoning_tokens\":0,\"audio_toke"
  "ns\":0,\"accepted_prediction_tokens\":0,\"rejected_prediction_tokens\":0}}}" },
{ "plain", "openai", "gpt-4.1",
  "openai-chat", "2026-11-28T12:00", 4182000,
  "{\"object\":\"chat.completion\",\"choices\":[],\"usage\":{\"prompt_tokens\":1411,\"compl"
  "etion_tokens\":170,\"total_tokens\":1581,\"prompt_tokens_details\":{\"cached_tokens\":0,"
  "\"audio_tokens\":0},\"completion_tokens_details\":{\"reasoning_tokens\":0,\"audio_tokens"
  "\":0,\"accepted_prediction_tokens\":0,\"rejected_prediction_tokens\":0}}}" },
{ "cached", "openai", "gpt-4.1",
  "openai-chat", "2026-11-28T12:00", 3126000,
  "{\"object\":\"chat.completion\",\"choices\":[],\"usage\":{\"prompt_tokens\":1411,\"compl"
  "etion_tokens\":170,\"total_tokens\":1581,\"prompt_tokens_details\":{\"cached_tokens\":70"
  "4,\"audio_tokens\":0},\"completion_tokens_details\":{\"reasoning_tokens\":0,\"audio_toke"
  "ns\":0,\"accepted_prediction_tokens\":0,\"rejected_prediction_tokens\":0}}}" },
{ "plain", "openai", "gpt-4.1-mini",
  "openai-chat", "2026-11-28T12:00", 940800,
  "{\"object\":\"chat.completion\",\"choices\":[],\"usage\":{\"prompt_tokens\":1548,\"compl"
  "etion_tokens\":201,\"total_tokens\":1749,\"prompt_tokens_details\":{\"cached_tokens\":0,"
  "\"audio_tokens\":0},\"completion_tokens_details\":{\"reasoning_tokens\":0,\"audio_tokens"
  "\":0,\"accepted_prediction_tokens\":0,\"rejected_prediction_tokens\":0}}}" },
{ "cached", "openai", "gpt-4.1-mini",
  "openai-chat", "2026-11-28T12:00", 710400,
  "{\"object\":\"chat.completion\",\"choices\":[],\"usage\":{\"prompt_tokens\":1548,\"compl"
  "etion_tokens\":201,\"total_tokens\":1749,\"prompt_tokens_details\":{\"cached_tokens\":76"
  "8,\"audio_tokens\":0},\"completion_tokens_details\":{\"reasoning_tokens\":0,\"audio_toke"
  "ns\":0,\"accepted_prediction_tokens\":0,\"rejected_prediction_tokens\":0}}}" },
{ "plain", "openai", "gpt-4.1-nano",
  "openai-chat", "2026-11-28T12:00", 261300,
  "{\"object\":\"chat.completion\",\"choices\":[],\"usage\":{\"prompt_tokens\":1685,\"compl"
  "etion_tokens\":232,\"total_tokens\":1917,\"prompt_tokens_details\":{\"cached_tokens\":0,"
  "\"audio_tokens\":0},\"completion_tokens_details\":{\"reasoning_tokens\":0,\"audio_tokens"
  "\":0,\"accepted_prediction_tokens\":0,\"rejected_prediction_tokens\":0}}}" },
{ "cached", "openai", "gpt-4.1-nano",
  "openai-chat", "2026-11-28T12:00", 222900,
  "{\"object\":\"chat.completion\",\"choices\":[],\"usage\":{\"prompt_tokens\":1685,\"compl"
  "etion_tokens\":232,\"total_tokens\":1917,\"prompt_tokens_details\":{\"cached_tokens\":51"
  "2,\"audio_tokens\":0},\"completion_tokens_details\":{\"reasoning_tokens\":0,\"audio_toke"
  "ns\":0,\"accepted_prediction_tokens\":0,\"rejected_prediction_tokens\":0}}}" },
{ "plain", "openai", "o1",
  "openai-chat", "2026-11-28T12:00", 43110000,
  "{\"object\":\"chat.completion\",\"choices\":[],\"usage\":{\"prompt_tokens\":1822,\"compl"
  "etion_tokens\":263,\"total_tokens\":2085,\"prompt_tokens_details\":{\"cached_tokens\":0,"
  "\"audio_tokens\":0},\"completion_tokens_details\":{\"reasoning_tokens\":0,\"audio_tokens"
  "\":0,\"accepted_prediction_tokens\":0,\"rejected_prediction_tokens\":0}}}" },
{ "cached", "openai", "o1",
  "openai-chat", "2026-11-28T12:00", 38790000,
  "{\"object\":\"chat.completion\",\"choices\":[],\"usage\":{\"prompt_tokens\":1822,\"compl"
  "etion_tokens\":263,\"total_tokens\":2085,\"prompt_tokens_details\":{\"cached_tokens\":57"
  "6,\"audio_tokens\":0},\"completion_tokens_details\":{\"reasoning_tokens\":0,\"audio_toke"
  "ns\":0,\"accepted_prediction_tokens\":0,\"rejected_prediction_tokens\":0}}}" },
{ "reasoning is output", "openai", "o1",
  "openai-responses", "2026-11-28T12:00", 77190000,
  "{\"object\":\"response\",\"status\":\"completed\",\"output\":[],\"service_tier\":\"defau"
  "lt\",\"usage\":{\"input_tokens\":1822,\"input_tokens_details\":{\"cached_tokens\":576},\""
  "output_tokens\":903,\"output_tokens_details\":{\"reasoning_tokens\":640},\"total_tokens\""
  ":2725}}" },
{ "plain", "openai", "o3",
  "openai-chat", "2026-11-28T12:00", 6270000,
  "{\"object\":\"chat.completion\",\"choices\":[],\"usage\":{\"prompt_tokens\":1959,\"compl"
  "etion_tokens\":294,\"total_tokens\":2253,\"prompt_tokens_details\":{\"cached_tokens\":0,"
  "\"audio_tokens\":0},\"completion_tokens_details\":{\"reasoning_tokens\":0,\"audio_tokens"
  "\":0,\"accepted_prediction_tokens\":0,\"rejected_prediction_tokens\":0}}}" },
{ "cached", "openai", "o3",
  "openai-chat", "2026-11-28T12:00", 5310000,
  "{\"object\":\"chat.completion\",\"choices\":[],\"usage\":{\"prompt_tokens\":1959,\"compl"
  "etion_tokens\":294,\"total_tokens\":2253,\"prompt_tokens_details\":{\"cached_tokens\":64"
  "0,\"audio_tokens\":0},\"completion_tokens_details\":{\"reasoning_tokens\":0,\"audio_toke"
  "ns\":0,\"accepted_prediction_tokens\":0,\"rejected_prediction_tokens\":0}}}" },
{ "reasoning is output", "openai", "o3",
  "openai-responses", "2026-11-28T12:00", 10430000,
  "{\"object\":\"response\",\"status\":\"completed\",\"output\":[],\"service_tier\":\"defau"
  "lt\",\"usage\":{\"input_tokens\":1959,\"input_tokens_details\":{\"cached_tokens\":640},\""
  "output_tokens\":934,\"output_tokens_details\":{\"reasoning_tokens\":640},\"total_tokens\""
  ":2893}}" },
{ "plain", "openai", "o3-mini",
  "openai-chat", "2026-11-28T12:00", 3735600,
  "{\"object\":\"chat.completion\",\"choices\":[],\"usage\":{\"prompt_tokens\":2096,\"compl"
  "etion_tokens\":325,\"total_tokens\":2421,\"prompt_tokens_details\":{\"cached_tokens\":0,"
  "\"audio_tokens\":0},\"completion_tokens_details\":{\"reasoning_tokens\":0,\"audio_tokens"
  "\":0,\"accepted_prediction_tokens\":0,\"rejected_prediction_tokens\":0}}}" },
{ "cached", "openai", "o3-mini",
  "openai-chat", "2026-11-28T12:00", 3348400,
  "{\"object\":\"chat.completion\",\"choices\":[],\"usage\":{\"prompt_tokens\":2096,\"compl"
  "etion_tokens\":325,\"total_tokens\":2421,\"prompt_tokens_details\":{\"cached_tokens\":70"
  "4,\"audio_tokens\":0},\"completion_tokens_details\":{\"reasoning_tokens\":0,\"audio_toke"
  "ns\":0,\"accepted_prediction_tokens\":0,\"rejected_prediction_tokens\":0}}}" },
{ "reasoning is output", "openai", "o3-mini",
  "openai-responses", "2026-11-28T12:00", 6164400,
  "{\"object\":\"response\",\"status\":\"completed\",\"output\":[],\"service_tier\":\"defau"
  "lt\",\"usage\":{\"input_tokens\":2096,\"input_tokens_details\":{\"cached_tokens\":704},\""
  "output_tokens\":965,\"output_tokens_details\":{\"reasoning_tokens\":640},\"total_tokens\""
  ":3061}}" },
{ "plain", "openai", "o4-mini",
  "openai-chat", "2026-11-28T12:00", 4022700,
  "{\"object\":\"chat.completion\",\"choices\":[],\"usage\":{\"prompt_tokens\":2233,\"compl"
  "etion_tokens\":356,\"total_tokens\":2589,\"prompt_tokens_details\":{\"cached_tokens\":0,"
  "\"audio_tokens\":0},\"completion_tokens_details\":{\"reasoning_tokens\":0,\"audio_tokens"
  "\":0,\"accepted_prediction_tokens\":0,\"rejected_prediction_tokens\":0}}}" },
{ "cached", "openai", "o4-mini",
  "openai-chat", "2026-11-28T12:00", 3389100,
  "{\"object\":\"chat.completion\",\"choices\":[],\"usage\":{\"prompt_tokens\":2233,\"compl"
  "etion_tokens\":356,\"total_tokens\":2589,\"prompt_tokens_details\":{\"cached_tokens\":76"
  "8,\"audio_tokens\":0},\"completion_tokens_details\":{\"reasoning_tokens\":0,\"audio_toke"
  "ns\":0,\"accepted_prediction_tokens\":0,\"rejected_prediction_tokens\":0}}}" },
{ "reasoning is output", "openai", "o4-mini",
  "openai-responses", "2026-11-28T12:00", 6205100,
  "{\"object\":\"response\",\"status\":\"completed\",\"output\":[],\"service_tier\":\"defau"
  "lt\",\"usage\":{\"input_tokens\":2233,\"input_tokens_details\":{\"cached_tokens\":768},\""
  "output_tokens\":996,\"output_tokens_details\":{\"reasoning_tokens\":640},\"total_tokens\""
  ":3229}}" },
{ "plain", "openai", "gpt-5",
  "openai-chat", "2026-11-28T12:00", 6832500,
  "{\"object\":\"chat.completion\",\"choices\":[],\"usage\":{\"prompt_tokens\":2370,\"compl"
  "etion_tokens\":387,\"total_tokens\":2757,\"prompt_tokens_details\":{\"cached_tokens\":0,"
  "\"audio_tokens\":0},\"completion_tokens_details\":{\"reasoning_tokens\":0,\"audio_tokens"
  "\":0,\"accepted_prediction_tokens\":0,\"rejected_prediction_tokens\":0}}}" },
{ "cached", "openai", "gpt-5",
  "openai-chat", "2026-11-28T12:00", 6256500,
  "{\"object\":\"chat.completion\",\"choices\":[],\"usage\":{\"prompt_tokens\":2370,\"compl"
  "etion_tokens\":387,\"total_tokens\":2757,\"prompt_tokens_details\":{\"cached_tokens\":51"
  "2,\"audio_tokens\":0},\"completion_tokens_details\":{\"reasoning_tokens\":0,\"audio_toke"
  "ns\":0,\"accepted_prediction_tokens\":0,\"rejected_prediction_tokens\":0}}}" },
{ "reasoning is output", "openai", "gpt-5",
  "openai-responses", "2026-11-28T12:00", 12656500,
  "{\"object\":\"response\",\"status\":\"completed\",\"output\":[],\"service_tier\":\"defau"
  "lt\",\"usage\":{\"input_tokens\":2370,\"input_tokens_details\":{\"cached_tokens\":512},\""
  "output_tokens\":1027,\"output_tokens_details\":{\"reasoning_tokens\":640},\"total_tokens"
  "\":3397}}" },
{ "plain", "openai", "gpt-5-mini",
  "openai-chat", "2026-11-28T12:00", 1462750,
  "{\"object\":\"chat.completion\",\"choices\":[],\"usage\":{\"prompt_tokens\":2507,\"compl"
  "etion_tokens\":418,\"total_tokens\":2925,\"prompt_tokens_details\":{\"cached_tokens\":0,"
  "\"audio_tokens\":0},\"completion_tokens_details\":{\"reasoning_tokens\":0,\"audio_tokens"
  "\":0,\"accepted_prediction_tokens\":0,\"rejected_prediction_tokens\":0}}}" },
{ "cached", "openai", "gpt-5-mini",
  "openai-chat", "2026-11-28T12:00", 1333150,
  "{\"object\":\"chat.completion\",\"choices\":[],\"usage\":{\"prompt_tokens\":2507,\"compl"
  "etion_tokens\":418,\"total_tokens\":2925,\"prompt_tokens_details\":{\"cached_tokens\":57"
  "6,\"audio_tokens\":0},\"completion_tokens_details\":{\"reasoning_tokens\":0,\"audio_toke"
  "ns\":0,\"accepted_prediction_tokens\":0,\"rejected_prediction_tokens\":0}}}" },
{ "reasoning is output", "openai", "gpt-5-mini",
  "openai-responses", "2026-11-28T12:00", 2613150,
  "{\"object\":\"response\",\"status\":\"completed\",\"output\":[],\"service_tier\":\"defau"
  "lt\",\"usage\":{\"input_tokens\":2507,\"input_tokens_details\":{\"cached_tokens\":576},\""
  "output_tokens\":1058,\"output_tokens_details\":{\"reasoning_tokens\":640},\"total_tokens"
  "\":3565}}" },
{ "plain", "openai", "gpt-5-nano",
  "openai-chat", "2026-11-28T12:00", 311800,
  "{\"object\":\"chat.completion\",\"choices\":[],\"usage\":{\"prompt_tokens\":2644,\"compl"
  "etion_tokens\":449,\"total_tokens\":3093,\"prompt_tokens_details\":{\"cached_tokens\":0,"
  "\"audio_tokens\":0},\"completion_tokens_details\":{\"reasoning_tokens\":0,\"audio_tokens"
  "\":0,\"accepted_prediction_tokens\":0,\"rejected_prediction_tokens\":0}}}" },
{ "cached", "openai", "gpt-5-nano",
  "openai-chat", "2026-11-28T12:00", 283000,
  "{\"object\":\"chat.completion\",\"choices\":[],\"usage\":{\"prompt_tokens\":2644,\"compl"
  "etion_tokens\":449,\"total_tokens\":3093,\"prompt_tokens_details\":{\"cached_tokens\":64"
  "0,\"audio_tokens\":0},\"completion_tokens_details\":{\"reasoning_tokens\":0,\"audio_toke"
  "ns\":0,\"accepted_prediction_tokens\":0,\"rejected_prediction_tokens\":0}}}" },
{ "reasoning is output", "openai", "gpt-5-nano",
  "openai-responses", "2026-11-28T12:00", 539000,
  "{\"object\":\"response\",\"status\":\"completed\",\"output\":[],\"service_tier\":\"defau"
  "lt\",\"usage\":{\"input_tokens\":2644,\"input_tokens_details\":{\"cached_tokens\":640},\""
  "output_tokens\":1089,\"output_tokens_details\":{\"reasoning_tokens\":640},\"total_tokens"
  "\":3733}}" },
{ "plain", "openai", "gpt-5.1",
  "openai-chat", "2026-11-28T12:00", 8276250,
  "{\"object\":\"chat.completion\",\"choices\":[],\"usage\":{\"prompt_tokens\":2781,\"compl"
  "etion_tokens\":480,\"total_tokens\":3261,\"prompt_tokens_details\":{\"cached_tokens\":0,"
  "\"audio_tokens\":0},\"completion_tokens_details\":{\"reasoning_tokens\":0,\"audio_tokens"
  "\":0,\"accepted_prediction_tokens\":0,\"rejected_prediction_tokens\":0}}}" },
{ "cached", "openai", "gpt-5.1",
  "openai-chat", "2026-11-28T12:00", 7484250,
  "{\"object\":\"chat.completion\",\"choices\":[],\"usage\":{\"prompt_tokens\":2781,\"compl"
  "etion_tokens\":480,\"total_tokens\":3261,\"prompt_tokens_details\":{\"cached_tokens\":70"
  "4,\"audio_tokens\":0},\"completion_tokens_details\":{\"reasoning_tokens\":0,\"audio_toke"
  "ns\":0,\"accepted_prediction_tokens\":0,\"rejected_prediction_tokens\":0}}}" },
{ "reasoning is output", "openai", "gpt-5.1",
  "openai-responses", "2026-11-28T12:00", 13884250,
  "{\"object\":\"response\",\"status\":\"completed\",\"output\":[],\"service_tier\":\"defau"
  "lt\",\"usage\":{\"input_tokens\":2781,\"input_tokens_details\":{\"cached_tokens\":704},\""
  "output_tokens\":1120,\"output_tokens_details\":{\"reasoning_tokens\":640},\"total_tokens"
  "\":3901}}" },
{ "plain", "openai", "gpt-5.2",
  "openai-chat", "2026-11-28T12:00", 12260500,
  "{\"object\":\"chat.completion\",\"choices\":[],\"usage\":{\"prompt_tokens\":2918,\"compl"
  "etion_tokens\":511,\"total_tokens\":3429,\"prompt_tokens_details\":{\"cached_tokens\":0,"
  "\"audio_tokens\":0},\"completion_tokens_details\":{\"reasoning_tokens\":0,\"audio_tokens"
  "\":0,\"accepted_prediction_tokens\":0,\"rejected_prediction_tokens\":0}}}" },
{ "cached", "openai", "gpt-5.2",
  "openai-chat", "2026-11-28T12:00", 11050900,
  "{\"object\":\"chat.completion\",\"choices\":[],\"usage\":{\"prompt_tokens\":2918,\"compl"
  "etion_tokens\":511,\"total_tokens\":3429,\"prompt_tokens_details\":{\"cached_tokens\":76"
  "8,\"audio_tokens\":0},\"completion_tokens_details\":{\"reasoning_tokens\":0,\"audio_toke"
  "ns\":0,\"accepted_prediction_tokens\":0,\"rejected_prediction_tokens\":0}}}" },
{ "reasoning is output", "openai", "gpt-5.2",
  "openai-responses", "2026-11-28T12:00", 20010900,
  "{\"object\":\"response\",\"status\":\"completed\",\"output\":[],\"service_tier\":\"defau"
  "lt\",\"usage\":{\"input_tokens\":2918,\"input_tokens_details\":{\"cached_tokens\":768},\""
  "output_tokens\":1151,\"output_tokens_details\":{\"reasoning_tokens\":640},\"total_tokens"
  "\":4069}}" },
{ "plain", "openai", "gpt-5.4-mini",
  "openai-chat", "2026-11-28T12:00", 4730250,
  "{\"object\":\"chat.completion\",\"choices\":[],\"usage\":{\"prompt_tokens\":3055,\"compl"
  "etion_tokens\":542,\"total_tokens\":3597,\"prompt_tokens_details\":{\"cached_tokens\":0,"
  "\"audio_tokens\":0},\"completion_tokens_details\":{\"reasoning_tokens\":0,\"audio_tokens"
  "\":0,\"accepted_prediction_tokens\":0,\"rejected_prediction_tokens\":0}}}" },
{ "cached", "openai", "gpt-5.4-mini",
  "openai-chat", "2026-11-28T12:00", 4384650,
  "{\"object\":\"chat.completion\",\"choices\":[],\"usage\":{\"prompt_tokens\":3055,\"compl"
  "etion_tokens\":542,\"total_tokens\":3597,\"prompt_tokens_details\":{\"cached_tokens\":51"
  "2,\"audio_tokens\":0},\"completion_tokens_details\":{\"reasoning_tokens\":0,\"audio_toke"
  "ns\":0,\"accepted_prediction_tokens\":0,\"rejected_prediction_tokens\":0}}}" },
{ "reasoning is output", "openai", "gpt-5.4-mini",
  "openai-responses", "2026-11-28T12:00", 7264650,
  "{\"object\":\"response\",\"status\":\"completed\",\"output\":[],\"service_tier\":\"defau"
  "lt\",\"usage\":{\"input_tokens\":3055,\"input_tokens_details\":{\"cached_tokens\":512},\""
  "output_tokens\":1182,\"output_tokens_details\":{\"reasoning_tokens\":640},\"total_tokens"
  "\":4237}}" },
{ "no cached price", "openai", "gpt-4-turbo",
  "openai-chat", "2026-11-28T12:00", 4560000,
  "{\"object\":\"chat.completion\",\"choices\":[],\"usage\":{\"prompt_tokens\":321,\"comple"
  "tion_tokens\":45,\"total_tokens\":366,\"prompt_tokens_details\":{\"cached_tokens\":0,\"a"
  "udio_tokens\":0},\"completion_tokens_details\":{\"reasoning_tokens\":0,\"audio_tokens\":"
  "0,\"accepted_prediction_tokens\":0,\"rejected_prediction_tokens\":0}}}" },
{ "old", "openai", "gpt-3.5-turbo",
  "openai-chat", "2026-11-28T12:00", 2832000,
  "{\"object\":\"chat.completion\",\"choices\":[],\"usage\":{\"prompt_tokens\":3333,\"compl"
  "etion_tokens\":777,\"total_tokens\":4110,\"prompt_tokens_details\":{\"cached_tokens\":0,"
  "\"audio_tokens\":0},\"completion_tokens_details\":{\"reasoning_tokens\":0,\"audio_tokens"
  "\":0,\"accepted_prediction_tokens\":0,\"rejected_prediction_tokens\":0}}}" },
{ "pro", "openai", "gpt-5-pro",
  "openai-responses", "2026-11-28T12:00", 494115000,
  "{\"object\":\"response\",\"status\":\"completed\",\"output\":[],\"service_tier\":\"defau"
  "lt\",\"usage\":{\"input_tokens\":901,\"input_tokens_details\":{\"cached_tokens\":0},\"ou"
  "tput_tokens\":4005,\"output_tokens_details\":{\"reasoning_tokens\":3900},\"total_tokens\""
  ":4906}}" },
{ "pro", "openai", "o3-pro",
  "openai-responses", "2026-11-28T12:00", 1060000,
  "{\"object\":\"response\",\"status\":\"completed\",\"output\":[],\"service_tier\":\"defau"
  "lt\",\"usage\":{\"input_tokens\":17,\"input_tokens_details\":{\"cached_tokens\":0},\"out"
  "put_tokens\":9,\"output_tokens_details\":{\"reasoning_tokens\":0},\"total_tokens\":26}}" },
{ "before its price fell", "openai", "o3",
  "openai-chat", "2025-06-09T23:59", 14000000,
  "{\"object\":\"chat.completion\",\"choices\":[],\"usage\":{\"prompt_tokens\":1000,\"compl"
  "etion_tokens\":100,\"total_tokens\":1100,\"prompt_tokens_details\":{\"cached_tokens\":0,"
  "\"audio_tokens\":0},\"completion_tokens_details\":{\"reasoning_tokens\":0,\"audio_tokens"
  "\":0,\"accepted_prediction_tokens\":0,\"rejected_prediction_tokens\":0}}}" },
{ "since its price fell", "openai", "o3",
  "openai-chat", "2025-06-10T00:00", 2800000,
  "{\"object\":\"chat.completion\",\"choices\":[],\"usage\":{\"prompt_tokens\":1000,\"compl"
  "etion_tokens\":100,\"total_tokens\":1100,\"prompt_tokens_details\":{\"cached_tokens\":0,"
  "\"audio_tokens\":0},\"completion_tokens_details\":{\"reasoning_tokens\":0,\"audio_tokens"
  "\":0,\"accepted_prediction_tokens\":0,\"rejected_prediction_tokens\":0}}}" },
{ "audio both ways", "openai", "gpt-4o-audio-preview",
  "openai-chat", "2026-11-28T12:00", 9600000,
  "{\"object\":\"chat.completion\",\"choices\":[],\"usage\":{\"prompt_tokens\":150,\"comple"
  "tion_tokens\":90,\"total_tokens\":240,\"prompt_tokens_details\":{\"cached_tokens\":0,\"a"
  "udio_tokens\":110},\"completion_tokens_details\":{\"reasoning_tokens\":0,\"audio_tokens\""
  ":60,\"accepted_prediction_tokens\":0,\"rejected_prediction_tokens\":0}}}" },
{ "audio both ways", "openai", "gpt-audio",
  "openai-chat", "2026-11-28T12:00", 91850000,
  "{\"object\":\"chat.completion\",\"choices\":[],\"usage\":{\"prompt_tokens\":900,\"comple"
  "tion_tokens\":1200,\"total_tokens\":2100,\"prompt_tokens_details\":{\"cached_tokens\":0,"
  "\"audio_tokens\":800},\"completion_tokens_details\":{\"reasoning_tokens\":0,\"audio_toke"
  "ns\":1000,\"accepted_prediction_tokens\":0,\"rejected_prediction_tokens\":0}}}" },
{ "embedding", "openai", "text-embedding-3-small",
  "openai-embeddings", "2026-11-28T12:00", 163820,
  "{\"object\":\"list\",\"data\":[],\"usage\":{\"prompt_tokens\":8191,\"total_tokens\":8191"
  "}}" },
{ "embedding", "openai", "text-embedding-3-large",
  "openai-embeddings", "2026-11-28T12:00", 910,
  "{\"object\":\"list\",\"data\":[],\"usage\":{\"prompt_tokens\":7,\"total_tokens\":7}}" },
{ "tier at 271999", "openai", "gpt-5.4",
  "openai-chat", "2026-11-28T12:00", 244997500,
  "{\"object\":\"chat.completion\",\"choices\":[],\"usage\":{\"prompt_tokens\":271999,\"com"
  "pletion_tokens\":1000,\"total_tokens\":272999,\"prompt_tokens_details\":{\"cached_tokens"
  "\":200000,\"audio_tokens\":0},\"completion_tokens_details\":{\"reasoning_tokens\":0,\"au"
  "dio_tokens\":0,\"accepted_prediction_tokens\":0,\"rejected_prediction_tokens\":0}}}" },
{ "tier at 272000", "openai", "gpt-5.4",
  "openai-chat", "2026-11-28T12:00", 482500000,
  "{\"object\":\"chat.completion\",\"choices\":[],\"usage\":{\"prompt_tokens\":272000,\"com"
  "pletion_tokens\":1000,\"total_tokens\":273000,\"prompt_tokens_details\":{\"cached_tokens"
  "\":200000,\"audio_tokens\":0},\"completion_tokens_details\":{\"reasoning_tokens\":0,\"au"
  "dio_tokens\":0,\"accepted_prediction_tokens\":0,\"rejected_prediction_tokens\":0}}}" },
{ "tier at 300000", "openai", "gpt-5.4",
  "openai-chat", "2026-11-28T12:00", 622500000,
  "{\"object\":\"chat.completion\",\"choices\":[],\"usage\":{\"prompt_tokens\":300000,\"com"
  "pletion_tokens\":1000,\"total_tokens\":301000,\"prompt_tokens_details\":{\"cached_tokens"
  "\":200000,\"audio_tokens\":0},\"completion_tokens_details\":{\"reasoning_tokens\":0,\"au"
  "dio_tokens\":0,\"accepted_prediction_tokens\":0,\"rejected_prediction_tokens\":0}}}" },
{ "tier at 271999", "openai", "gpt-5.5",
  "openai-chat", "2026-11-28T12:00", 489995000,
  "{\"object\":\"chat.completion\",\"choices\":[],\"usage\":{\"prompt_tokens\":271999,\"com"
  "pletion_tokens\":1000,\"total_tokens\":272999,\"prompt_tokens_details\":{\"cached_tokens"
  "\":200000,\"audio_tokens\":0},\"completion_tokens_details\":{\"reasoning_tokens\":0,\"au"
  "dio_tokens\":0,\"accepted_prediction_tokens\":0,\"rejected_prediction_tokens\":0}}}" },
{ "tier at 272000", "openai", "gpt-5.5",
  "openai-chat", "2026-11-28T12:00", 965000000,
  "{\"object\":\"chat.completion\",\"choices\":[],\"usage\":{\"prompt_tokens\":272000,\"com"
  "pletion_tokens\":1000,\"total_tokens\":273000,\"prompt_tokens_details\":{\"cached_tokens"
  "\":200000,\"audio_tokens\":0},\"completion_tokens_details\":{\"reasoning_tokens\":0,\"au"
  "dio_tokens\":0,\"accepted_prediction_tokens\":0,\"rejected_prediction_tokens\":0}}}" },
{ "tier at 300000", "openai", "gpt-5.5",
  "openai-chat", "2026-11-28T12:00", 1245000000,
  "{\"object\":\"chat.completion\",\"choices\":[],\"usage\":{\"prompt_tokens\":300000,\"com"
  "pletion_tokens\":1000,\"total_tokens\":301000,\"prompt_tokens_details\":{\"cached_tokens"
  "\":200000,\"audio_tokens\":0},\"completion_tokens_details\":{\"reasoning_tokens\":0,\"au"
  "dio_tokens\":0,\"accepted_prediction_tokens\":0,\"rejected_prediction_tokens\":0}}}" },
{ "flex", "openai", "gpt-5",
  "openai-responses", "2026-11-28T12:00", 3804625,
  "{\"object\":\"response\",\"status\":\"completed\",\"output\":[],\"service_tier\":\"flex\""
  ",\"usage\":{\"input_tokens\":3001,\"input_tokens_details\":{\"cached_tokens\":1024},\"ou"
  "tput_tokens\":501,\"output_tokens_details\":{\"reasoning_tokens\":320},\"total_tokens\":"
  "3502}}" },
{ "flex", "openai", "o3",
  "openai-chat", "2026-11-28T12:00", 5005000,
  "{\"object\":\"chat.completion\",\"choices\":[],\"usage\":{\"prompt_tokens\":3001,\"compl"
  "etion_tokens\":501,\"total_tokens\":3502,\"prompt_tokens_details\":{\"cached_tokens\":0,"
  "\"audio_tokens\":0},\"completion_tokens_details\":{\"reasoning_tokens\":0,\"audio_tokens"
  "\":0,\"accepted_prediction_tokens\":0,\"rejected_prediction_tokens\":0}},\"service_tier\""
  ":\"flex\"}" },
{ "flex", "openai", "o4-mini",
  "openai-chat", "2026-11-28T12:00", 2340250,
  "{\"object\":\"chat.completion\",\"choices\":[],\"usage\":{\"prompt_tokens\":3001,\"compl"
  "etion_tokens\":501,\"total_tokens\":3502,\"prompt_tokens_details\":{\"cached_tokens\":10"
  "00,\"audio_tokens\":0},\"completion_tokens_details\":{\"reasoning_tokens\":0,\"audio_tok"
  "ens\":0,\"accepted_prediction_tokens\":0,\"rejected_prediction_tokens\":0}},\"service_ti"
  "er\":\"flex\"}" },
{ "flex and long", "openai", "gpt-5.4",
  "openai-chat", "2026-11-28T12:00", 700112500,
  "{\"object\":\"chat.completion\",\"choices\":[],\"usage\":{\"prompt_tokens\":280000,\"com"
  "pletion_tokens\":10,\"total_tokens\":280010,\"prompt_tokens_details\":{\"cached_tokens\""
  ":0,\"audio_tokens\":0},\"completion_tokens_details\":{\"reasoning_tokens\":0,\"audio_tok"
  "ens\":0,\"accepted_prediction_tokens\":0,\"rejected_prediction_tokens\":0}},\"service_ti"
  "er\":\"flex\"}" },
{ "batch", "openai", "gpt-4o",
  "openai-chat", "2026-11-28T12:00", 2636250,
  "{\"object\":\"chat.completion\",\"choices\":[],\"usage\":{\"prompt_tokens\":777,\"comple"
  "tion_tokens\":333,\"total_tokens\":1110,\"prompt_tokens_details\":{\"cached_tokens\":0,\""
  "audio_tokens\":0},\"completion_tokens_details\":{\"reasoning_tokens\":0,\"audio_tokens\""
  ":0,\"accepted_prediction_tokens\":0,\"rejected_prediction_tokens\":0}},\"service_tier\":"
  "\"batch\"}" },
{ "priority", "openai", "gpt-5.4",
  "openai-chat", "2026-11-28T12:00", 7705000,
  "{\"object\":\"chat.completion\",\"choices\":[],\"usage\":{\"prompt_tokens\":2051,\"compl"
  "etion_tokens\":203,\"total_tokens\":2254,\"prompt_tokens_details\":{\"cached_tokens\":19"
  "20,\"audio_tokens\":0},\"completion_tokens_details\":{\"reasoning_tokens\":0,\"audio_tok"
  "ens\":0,\"accepted_prediction_tokens\":0,\"rejected_prediction_tokens\":0}},\"service_ti"
  "er\":\"priority\"}" },
{ "priority", "openai", "gpt-5.2",
  "openai-chat", "2026-11-28T12:00", 6814500,
  "{\"object\":\"chat.completion\",\"choices\":[],\"usage\":{\"prompt_tokens\":2051,\"compl"
  "etion_tokens\":203,\"total_tokens\":2254,\"prompt_tokens_details\":{\"cached_tokens\":19"
  "20,\"audio_tokens\":0},\"completion_tokens_details\":{\"reasoning_tokens\":0,\"audio_tok"
  "ens\":0,\"accepted_prediction_tokens\":0,\"rejected_prediction_tokens\":0}},\"service_ti"
  "er\":\"priority\"}" },
{ "priority", "openai", "gpt-5.1",
  "openai-chat", "2026-11-28T12:00", 4867500,
  "{\"object\":\"chat.completion\",\"choices\":[],\"usage\":{\"prompt_tokens\":2051,\"compl"
  "etion_tokens\":203,\"total_tokens\":2254,\"prompt_tokens_details\":{\"cached_tokens\":19"
  "20,\"audio_tokens\":0},\"completion_tokens_details\":{\"reasoning_tokens\":0,\"audio_tok"
  "ens\":0,\"accepted_prediction_tokens\":0,\"rejected_prediction_tokens\":0}},\"service_ti"
  "er\":\"priority\"}" },
{ "priority", "openai", "gpt-5",
  "openai-chat", "2026-11-28T12:00", 4867500,
  "{\"object\":\"chat.completion\",\"choices\":[],\"usage\":{\"prompt_tokens\":2051,\"compl"
  "etion_tokens\":203,\"total_tokens\":2254,\"prompt_tokens_details\":{\"cached_tokens\":19"
  "20,\"audio_tokens\":0},\"completion_tokens_details\":{\"reasoning_tokens\":0,\"audio_tok"
  "ens\":0,\"accepted_prediction_tokens\":0,\"rejected_prediction_tokens\":0}},\"service_ti"
  "er\":\"priority\"}" },
{ "priority", "openai", "gpt-5-mini",
  "openai-chat", "2026-11-28T12:00", 876150,
  "{\"object\":\"chat.completion\",\"choices\":[],\"usage\":{\"prompt_tokens\":2051,\"compl"
  "etion_tokens\":203,\"total_tokens\":2254,\"prompt_tokens_details\":{\"cached_tokens\":19"
  "20,\"audio_tokens\":0},\"completion_tokens_details\":{\"reasoning_tokens\":0,\"audio_tok"
  "ens\":0,\"accepted_prediction_tokens\":0,\"rejected_prediction_tokens\":0}},\"service_ti"
  "er\":\"priority\"}" },
{ "priority", "openai", "gpt-4.1",
  "openai-chat", "2026-11-28T12:00", 4980500,
  "{\"object\":\"chat.completion\",\"choices\":[],\"usage\":{\"prompt_tokens\":2051,\"compl"
  "etion_tokens\":203,\"total_tokens\":2254,\"prompt_tokens_details\":{\"cached_tokens\":19"
  "20,\"audio_tokens\":0},\"completion_tokens_details\":{\"reasoning_tokens\":0,\"audio_tok"
  "ens\":0,\"accepted_prediction_tokens\":0,\"rejected_prediction_tokens\":0}},\"service_ti"
  "er\":\"priority\"}" },
{ "priority", "openai", "gpt-4.1-mini",
  "openai-chat", "2026-11-28T12:00", 996100,
  "{\"object\":\"chat.completion\",\"choices\":[],\"usage\":{\"prompt_tokens\":2051,\"compl"
  "etion_tokens\":203,\"total_tokens\":2254,\"prompt_tokens_details\":{\"cached_tokens\":19"
  "20,\"audio_tokens\":0},\"completion_tokens_details\":{\"reasoning_tokens\":0,\"audio_tok"
  "ens\":0,\"accepted_prediction_tokens\":0,\"rejected_prediction_tokens\":0}},\"service_ti"
  "er\":\"priority\"}" },
{ "priority", "openai", "gpt-4o",
  "openai-chat", "2026-11-28T12:00", 8087750,
  "{\"object\":\"chat.completion\",\"choices\":[],\"usage\":{\"prompt_tokens\":2051,\"compl"
  "etion_tokens\":203,\"total_tokens\":2254,\"prompt_tokens_details\":{\"cached_tokens\":19"
  "20,\"audio_tokens\":0},\"completion_tokens_details\":{\"reasoning_tokens\":0,\"audio_tok"
  "ens\":0,\"accepted_prediction_tokens\":0,\"rejected_prediction_tokens\":0}},\"service_ti"
  "er\":\"priority\"}" },
{ "priority", "openai", "gpt-4o-mini",
  "openai-chat", "2026-11-28T12:00", 475750,
  "{\"object\":\"chat.completion\",\"choices\":[],\"usage\":{\"prompt_tokens\":2051,\"compl"
  "etion_tokens\":203,\"total_tokens\":2254,\"prompt_tokens_details\":{\"cached_tokens\":19"
  "20,\"audio_tokens\":0},\"completion_tokens_details\":{\"reasoning_tokens\":0,\"audio_tok"
  "ens\":0,\"accepted_prediction_tokens\":0,\"rejected_prediction_tokens\":0}},\"service_ti"
  "er\":\"priority\"}" },
{ "priority", "openai", "o3",
  "openai-chat", "2026-11-28T12:00", 4980500,
  "{\"object\":\"chat.completion\",\"choices\":[],\"usage\":{\"prompt_tokens\":2051,\"compl"
  "etion_tokens\":203,\"total_tokens\":2254,\"prompt_tokens_details\":{\"cached_tokens\":19"
  "20,\"audio_tokens\":0},\"completion_tokens_details\":{\"reasoning_tokens\":0,\"audio_tok"
  "ens\":0,\"accepted_prediction_tokens\":0,\"rejected_prediction_tokens\":0}},\"service_ti"
  "er\":\"priority\"}" },
{ "priority", "openai", "o4-mini",
  "openai-chat", "2026-11-28T12:00", 2846000,
  "{\"object\":\"chat.completion\",\"choices\":[],\"usage\":{\"prompt_tokens\":2051,\"compl"
  "etion_tokens\":203,\"total_tokens\":2254,\"prompt_tokens_details\":{\"cached_tokens\":19"
  "20,\"audio_tokens\":0},\"completion_tokens_details\":{\"reasoning_tokens\":0,\"audio_tok"
  "ens\":0,\"accepted_prediction_tokens\":0,\"rejected_prediction_tokens\":0}},\"service_ti"
  "er\":\"priority\"}" },
{ "priority without a price is unknown", "openai", "gpt-5-nano",
  "openai-chat", "2026-11-28T12:00", -1,
  "{\"object\":\"chat.completion\",\"choices\":[],\"usage\":{\"prompt_tokens\":10,\"complet"
  "ion_tokens\":10,\"total_tokens\":20,\"prompt_tokens_details\":{\"cached_tokens\":0,\"aud"
  "io_tokens\":0},\"completion_tokens_details\":{\"reasoning_tokens\":0,\"audio_tokens\":0,"
  "\"accepted_prediction_tokens\":0,\"rejected_prediction_tokens\":0}},\"service_tier\":\"p"
  "riority\"}" },
{ "scale is paid by contract", "openai", "gpt-4o",
  "openai-chat", "2026-11-28T12:00", -1,
  "{\"object\":\"chat.completion\",\"choices\":[],\"usage\":{\"prompt_tokens\":10,\"complet"
  "ion_tokens\":10,\"total_tokens\":20,\"prompt_tokens_details\":{\"cached_tokens\":0,\"aud"
  "io_tokens\":0},\"completion_tokens_details\":{\"reasoning_tokens\":0,\"audio_tokens\":0,"
  "\"accepted_prediction_tokens\":0,\"rejected_prediction_tokens\":0}},\"service_tier\":\"s"
  "cale\"}" },
{ "a word that is not known is the standard one", "openai", "gpt-4o",
  "openai-chat", "2026-11-28T12:00", 125000,
  "{\"object\":\"chat.completion\",\"choices\":[],\"usage\":{\"prompt_tokens\":10,\"complet"
  "ion_tokens\":10,\"total_tokens\":20,\"prompt_tokens_details\":{\"cached_tokens\":0,\"aud"
  "io_tokens\":0},\"completion_tokens_details\":{\"reasoning_tokens\":0,\"audio_tokens\":0,"
  "\"accepted_prediction_tokens\":0,\"rejected_prediction_tokens\":0}},\"service_tier\":\"o"
  "n_demand\"}" },
{ "web searches", "openai", "gpt-4.1",
  "openai-responses", "2026-11-28T12:00", 44402000,
  "{\"object\":\"response\",\"status\":\"completed\",\"output\":[{\"type\":\"web_search_cal"
  "l\",\"id\":\"ws_1\",\"status\":\"completed\",\"action\":{\"type\":\"search\",\"query\":\""
  "q\"}},{\"type\":\"web_search_call\",\"id\":\"ws_2\",\"status\":\"completed\",\"action\":"
  "{\"type\":\"open_page\",\"url\":\"u\"}},{\"type\":\"web_search_call\",\"id\":\"ws_1\",\""
  "status\":\"completed\",\"action\":{\"type\":\"search\",\"query\":\"q\"}}],\"service_tier"
  "\":\"default\",\"usage\":{\"input_tokens\":9001,\"input_tokens_details\":{\"cached_token"
  "s\":0},\"output_tokens\":800,\"output_tokens_details\":{\"reasoning_tokens\":0},\"total_"
  "tokens\":9801}}" },
{ "file search", "openai", "gpt-5-mini",
  "openai-responses", "2026-11-28T12:00", 2725000,
  "{\"object\":\"response\",\"status\":\"completed\",\"output\":[{\"type\":\"file_search_ca"
  "ll\",\"id\":\"fs_1\",\"status\":\"completed\",\"queries\":[\"q\"]}],\"service_tier\":\"d"
  "efault\",\"usage\":{\"input_tokens\":500,\"input_tokens_details\":{\"cached_tokens\":0},"
  "\"output_tokens\":50,\"output_tokens_details\":{\"reasoning_tokens\":0},\"total_tokens\""
  ":550}}" },
{ "tools are not cheaper as flex", "openai", "gpt-5",
  "openai-responses", "2026-11-28T12:00", 11125000,
  "{\"object\":\"response\",\"status\":\"completed\",\"output\":[{\"type\":\"web_search_cal"
  "l\",\"id\":\"ws_1\",\"status\":\"completed\",\"action\":{\"type\":\"search\",\"query\":\""
  "q\"}}],\"service_tier\":\"flex\",\"usage\":{\"input_tokens\":1000,\"input_tokens_details"
  "\":{\"cached_tokens\":0},\"output_tokens\":100,\"output_tokens_details\":{\"reasoning_to"
  "kens\":64},\"total_tokens\":1100}}" },
{ "azure", "azure-openai", "gpt-4o",
  "openai-chat", "2026-11-28T12:00", 5470000,
  "{\"object\":\"chat.completion\",\"choices\":[],\"usage\":{\"prompt_tokens\":1500,\"compl"
  "etion_tokens\":300,\"total_tokens\":1800,\"prompt_tokens_details\":{\"cached_tokens\":10"
  "24,\"audio_tokens\":0},\"completion_tokens_details\":{\"reasoning_tokens\":0,\"audio_tok"
  "ens\":0,\"accepted_prediction_tokens\":0,\"rejected_prediction_tokens\":0}}}" },
{ "azure", "azure-openai", "gpt-4.1-mini",
  "openai-chat", "2026-11-28T12:00", 772800,
  "{\"object\":\"chat.completion\",\"choices\":[],\"usage\":{\"prompt_tokens\":1500,\"compl"
  "etion_tokens\":300,\"total_tokens\":1800,\"prompt_tokens_details\":{\"cached_tokens\":10"
  "24,\"audio_tokens\":0},\"completion_tokens_details\":{\"reasoning_tokens\":0,\"audio_tok"
  "ens\":0,\"accepted_prediction_tokens\":0,\"rejected_prediction_tokens\":0}}}" },
{ "azure", "azure-openai", "gpt-5-mini",
  "openai-chat", "2026-11-28T12:00", 744600,
  "{\"object\":\"chat.completion\",\"choices\":[],\"usage\":{\"prompt_tokens\":1500,\"compl"
  "etion_tokens\":300,\"total_tokens\":1800,\"prompt_tokens_details\":{\"cached_tokens\":10"
  "24,\"audio_tokens\":0},\"completion_tokens_details\":{\"reasoning_tokens\":0,\"audio_tok"
  "ens\":0,\"accepted_prediction_tokens\":0,\"rejected_prediction_tokens\":0}}}" },
{ "plain", "anthropic", "claude-opus-5",
  "anthropic", "2026-11-28T12:00", 10065000,
  "{\"type\":\"message\",\"role\":\"assistant\",\"content\":[],\"usage\":{\"input_tokens\":"
  "13,\"output_tokens\":400,\"cache_read_input_tokens\":0,\"cache_creation_input_tokens\":0"
  ",\"service_tier\":\"standard\",\"cache_creation\":{\"ephemeral_5m_input_tokens\":0,\"eph"
  "emeral_1h_input_tokens\":0}}}" },
{ "read and written for 5 minutes", "anthropic", "claude-opus-5",
  "anthropic", "2026-11-28T12:00", 38815000,
  "{\"type\":\"message\",\"role\":\"assistant\",\"content\":[],\"usage\":{\"input_tokens\":"
  "13,\"output_tokens\":400,\"cache_read_input_tokens\":20000,\"cache_creation_input_tokens"
  "\":3000,\"service_tier\":\"standard\",\"cache_creation\":{\"ephemeral_5m_input_tokens\":"
  "3000,\"ephemeral_1h_input_tokens\":0}}}" },
{ "written for an hour", "anthropic", "claude-opus-5",
  "anthropic", "2026-11-28T12:00", 50108750,
  "{\"type\":\"message\",\"role\":\"assistant\",\"content\":[],\"usage\":{\"input_tokens\":"
  "13,\"output_tokens\":400,\"cache_read_input_tokens\":20000,\"cache_creation_input_tokens"
  "\":3007,\"service_tier\":\"standard\",\"cache_creation\":{\"ephemeral_5m_input_tokens\":"
  "7,\"ephemeral_1h_input_tokens\":3000},\"output_tokens_details\":{\"thinking_tokens\":250"
  "}}}" },
{ "plain", "anthropic", "claude-opus-4-8",
  "anthropic", "2026-11-28T12:00", 10995000,
  "{\"type\":\"message\",\"role\":\"assistant\",\"content\":[],\"usage\":{\"input_tokens\":"
  "114,\"output_tokens\":417,\"cache_read_input_tokens\":0,\"cache_creation_input_tokens\":"
  "0,\"service_tier\":\"standard\",\"cache_creation\":{\"ephemeral_5m_input_tokens\":0,\"ep"
  "hemeral_1h_input_tokens\":0}}}" },
{ "read and written for 5 minutes", "anthropic", "claude-opus-4-8",
  "anthropic", "2026-11-28T12:00", 40506750,
  "{\"type\":\"message\",\"role\":\"assistant\",\"content\":[],\"usage\":{\"input_tokens\":"
  "114,\"output_tokens\":417,\"cache_read_input_tokens\":21111,\"cache_creation_input_token"
  "s\":3033,\"service_tier\":\"standard\",\"cache_creation\":{\"ephemeral_5m_input_tokens\""
  ":3033,\"ephemeral_1h_input_tokens\":0}}}" },
{ "written for an hour", "anthropic", "claude-opus-4-8",
  "anthropic", "2026-11-28T12:00", 51924250,
  "{\"type\":\"message\",\"role\":\"assistant\",\"content\":[],\"usage\":{\"input_tokens\":"
  "114,\"output_tokens\":417,\"cache_read_input_tokens\":21111,\"cache_creation_input_token"
  "s\":3040,\"service_tier\":\"standard\",\"cache_creation\":{\"ephemeral_5m_input_tokens\""
  ":7,\"ephemeral_1h_input_tokens\":3033},\"output_tokens_details\":{\"thinking_tokens\":25"
  "0}}}" },
{ "plain", "anthropic", "claude-opus-4-7",
  "anthropic", "2026-11-28T12:00", 11925000,
  "{\"type\":\"message\",\"role\":\"assistant\",\"content\":[],\"usage\":{\"input_tokens\":"
  "215,\"output_tokens\":434,\"cache_read_input_tokens\":0,\"cache_creation_input_tokens\":"
  "0,\"service_tier\":\"standard\",\"cache_creation\":{\"ephemeral_5m_input_tokens\":0,\"ep"
  "hemeral_1h_input_tokens\":0}}}" },
{ "read and written for 5 minutes", "anthropic", "claude-opus-4-7",
  "anthropic", "2026-11-28T12:00", 42198500,
  "{\"type\":\"message\",\"role\":\"assistant\",\"content\":[],\"usage\":{\"input_tokens\":"
  "215,\"output_tokens\":434,\"cache_read_input_tokens\":22222,\"cache_creation_input_token"
  "s\":3066,\"service_tier\":\"standard\",\"cache_creation\":{\"ephemeral_5m_input_tokens\""
  ":3066,\"ephemeral_1h_input_tokens\":0}}}" },
{ "written for an hour", "anthropic", "claude-opus-4-7",
  "anthropic", "2026-11-28T12:00", 53739750,
  "{\"type\":\"message\",\"role\":\"assistant\",\"content\":[],\"usage\":{\"input_tokens\":"
  "215,\"output_tokens\":434,\"cache_read_input_tokens\":22222,\"cache_creation_input_token"
  "s\":3073,\"service_tier\":\"standard\",\"cache_creation\":{\"ephemeral_5m_input_tokens\""
  ":7,\"ephemeral_1h_input_tokens\":3066},\"output_tokens_details\":{\"thinking_tokens\":25"
  "0}}}" },
{ "plain", "anthropic", "claude-opus-4-5-20251101",
  "anthropic", "2026-11-28T12:00", 12855000,
  "{\"type\":\"message\",\"role\":\"assistant\",\"content\":[],\"usage\":{\"input_tokens\":"
  "316,\"output_tokens\":451,\"cache_read_input_tokens\":0,\"cache_creation_input_tokens\":"
  "0,\"service_tier\":\"standard\",\"cache_creation\":{\"ephemeral_5m_input_tokens\":0,\"ep"
  "hemeral_1h_input_tokens\":0}}}" },
{ "read and written for 5 minutes", "anthropic", "claude-opus-4-5-20251101",
  "anthropic", "2026-11-28T12:00", 43890250,
  "{\"type\":\"message\",\"role\":\"assistant\",\"content\":[],\"usage\":{\"input_tokens\":"
  "316,\"output_tokens\":451,\"cache_read_input_tokens\":23333,\"cache_creation_input_token"
  "s\":3099,\"service_tier\":\"standard\",\"cache_creation\":{\"ephemeral_5m_input_tokens\""
  ":3099,\"ephemeral_1h_input_tokens\":0}}}" },
{ "written for an hour", "anthropic", "claude-opus-4-5-20251101",
  "anthropic", "2026-11-28T12:00", 55555250,
  "{\"type\":\"message\",\"role\":\"assistant\",\"content\":[],\"usage\":{\"input_tokens\":"
  "316,\"output_tokens\":451,\"cache_read_input_tokens\":23333,\"cache_creation_input_token"
  "s\":3106,\"service_tier\":\"standard\",\"cache_creation\":{\"ephemeral_5m_input_tokens\""
  ":7,\"ephemeral_1h_input_tokens\":3099},\"output_tokens_details\":{\"thinking_tokens\":25"
  "0}}}" },
{ "plain", "anthropic", "claude-opus-4-1-20250805",
  "anthropic", "2026-11-28T12:00", 41355000,
  "{\"type\":\"message\",\"role\":\"assistant\",\"content\":[],\"usage\":{\"input_tokens\":"
  "417,\"output_tokens\":468,\"cache_read_input_tokens\":0,\"cache_creation_input_tokens\":"
  "0,\"service_tier\":\"standard\",\"cache_creation\":{\"ephemeral_5m_input_tokens\":0,\"ep"
  "hemeral_1h_input_tokens\":0}}}" },
{ "read and written for 5 minutes", "anthropic", "claude-opus-4-1-20250805",
  "anthropic", "2026-11-28T12:00", 136746000,
  "{\"type\":\"message\",\"role\":\"assistant\",\"content\":[],\"usage\":{\"input_tokens\":"
  "417,\"output_tokens\":468,\"cache_read_input_tokens\":24444,\"cache_creation_input_token"
  "s\":3132,\"service_tier\":\"standard\",\"cache_creation\":{\"ephemeral_5m_input_tokens\""
  ":3132,\"ephemeral_1h_input_tokens\":0}}}" },
{ "written for an hour", "anthropic", "claude-opus-4-1-20250805",
  "anthropic", "2026-11-28T12:00", 172112250,
  "{\"type\":\"message\",\"role\":\"assistant\",\"content\":[],\"usage\":{\"input_tokens\":"
  "417,\"output_tokens\":468,\"cache_read_input_tokens\":24444,\"cache_creation_input_token"
  "s\":3139,\"service_tier\":\"standard\",\"cache_creation\":{\"ephemeral_5m_input_tokens\""
  ":7,\"ephemeral_1h_input_tokens\":3132},\"output_tokens_details\":{\"thinking_tokens\":25"
  "0}}}" },
{ "plain", "anthropic", "claude-sonnet-5",
  "anthropic", "2026-11-28T12:00", 5886000,
  "{\"type\":\"message\",\"role\":\"assistant\",\"content\":[],\"usage\":{\"input_tokens\":"
  "518,\"output_tokens\":485,\"cache_read_input_tokens\":0,\"cache_creation_input_tokens\":"
  "0,\"service_tier\":\"standard\",\"cache_creation\":{\"ephemeral_5m_input_tokens\":0,\"ep"
  "hemeral_1h_input_tokens\":0}}}" },
{ "read and written for 5 minutes", "anthropic", "claude-sonnet-5",
  "anthropic", "2026-11-28T12:00", 18909500,
  "{\"type\":\"message\",\"role\":\"assistant\",\"content\":[],\"usage\":{\"input_tokens\":"
  "518,\"output_tokens\":485,\"cache_read_input_tokens\":25555,\"cache_creation_input_token"
  "s\":3165,\"service_tier\":\"standard\",\"cache_creation\":{\"ephemeral_5m_input_tokens\""
  ":3165,\"ephemeral_1h_input_tokens\":0}}}" },
{ "written for an hour", "anthropic", "claude-sonnet-5",
  "anthropic", "2026-11-28T12:00", 23674500,
  "{\"type\":\"message\",\"role\":\"assistant\",\"content\":[],\"usage\":{\"input_tokens\":"
  "518,\"output_tokens\":485,\"cache_read_input_tokens\":25555,\"cache_creation_input_token"
  "s\":3172,\"service_tier\":\"standard\",\"cache_creation\":{\"ephemeral_5m_input_tokens\""
  ":7,\"ephemeral_1h_input_tokens\":3165},\"output_tokens_details\":{\"thinking_tokens\":25"
  "0}}}" },
{ "plain", "anthropic", "claude-sonnet-4-6",
  "anthropic", "2026-11-28T12:00", 9387000,
  "{\"type\":\"message\",\"role\":\"assistant\",\"content\":[],\"usage\":{\"input_tokens\":"
  "619,\"output_tokens\":502,\"cache_read_input_tokens\":0,\"cache_creation_input_tokens\":"
  "0,\"service_tier\":\"standard\",\"cache_creation\":{\"ephemeral_5m_input_tokens\":0,\"ep"
  "hemeral_1h_input_tokens\":0}}}" },
{ "read and written for 5 minutes", "anthropic", "claude-sonnet-4-6",
  "anthropic", "2026-11-28T12:00", 29379300,
  "{\"type\":\"message\",\"role\":\"assistant\",\"content\":[],\"usage\":{\"input_tokens\":"
  "619,\"output_tokens\":502,\"cache_read_input_tokens\":26666,\"cache_creation_input_token"
  "s\":3198,\"service_tier\":\"standard\",\"cache_creation\":{\"ephemeral_5m_input_tokens\""
  ":3198,\"ephemeral_1h_input_tokens\":0}}}" },
{ "written for an hour", "anthropic", "claude-sonnet-4-6",
  "anthropic", "2026-11-28T12:00", 36601050,
  "{\"type\":\"message\",\"role\":\"assistant\",\"content\":[],\"usage\":{\"input_tokens\":"
  "619,\"output_tokens\":502,\"cache_read_input_tokens\":26666,\"cache_creation_input_token"
  "s\":3205,\"service_tier\":\"standard\",\"cache_creation\":{\"ephemeral_5m_input_tokens\""
  ":7,\"ephemeral_1h_input_tokens\":3198},\"output_tokens_details\":{\"thinking_tokens\":25"
  "0}}}" },
{ "plain", "anthropic", "claude-sonnet-4-5-20250929",
  "anthropic", "2026-11-28T12:00", 9945000,
  "{\"type\":\"message\",\"role\":\"assistant\",\"content\":[],\"usage\":{\"input_tokens\":"
  "720,\"output_tokens\":519,\"cache_read_input_tokens\":0,\"cache_creation_input_tokens\":"
  "0,\"service_tier\":\"standard\",\"cache_creation\":{\"ephemeral_5m_input_tokens\":0,\"ep"
  "hemeral_1h_input_tokens\":0}}}" },
{ "read and written for 5 minutes", "anthropic", "claude-sonnet-4-5-20250929",
  "anthropic", "2026-11-28T12:00", 30394350,
  "{\"type\":\"message\",\"role\":\"assistant\",\"content\":[],\"usage\":{\"input_tokens\":"
  "720,\"output_tokens\":519,\"cache_read_input_tokens\":27777,\"cache_creation_input_token"
  "s\":3231,\"service_tier\":\"standard\",\"cache_creation\":{\"ephemeral_5m_input_tokens\""
  ":3231,\"ephemeral_1h_input_tokens\":0}}}" },
{ "written for an hour", "anthropic", "claude-sonnet-4-5-20250929",
  "anthropic", "2026-11-28T12:00", 37690350,
  "{\"type\":\"message\",\"role\":\"assistant\",\"content\":[],\"usage\":{\"input_tokens\":"
  "720,\"output_tokens\":519,\"cache_read_input_tokens\":27777,\"cache_creation_input_token"
  "s\":3238,\"service_tier\":\"standard\",\"cache_creation\":{\"ephemeral_5m_input_tokens\""
  ":7,\"ephemeral_1h_input_tokens\":3231},\"output_tokens_details\":{\"thinking_tokens\":25"
  "0}}}" },
{ "plain", "anthropic", "claude-sonnet-4-20250514",
  "anthropic", "2026-11-28T12:00", 10503000,
  "{\"type\":\"message\",\"role\":\"assistant\",\"content\":[],\"usage\":{\"input_tokens\":"
  "821,\"output_tokens\":536,\"cache_read_input_tokens\":0,\"cache_creation_input_tokens\":"
  "0,\"service_tier\":\"standard\",\"cache_creation\":{\"ephemeral_5m_input_tokens\":0,\"ep"
  "hemeral_1h_input_tokens\":0}}}" },
{ "read and written for 5 minutes", "anthropic", "claude-sonnet-4-20250514",
  "anthropic", "2026-11-28T12:00", 31409400,
  "{\"type\":\"message\",\"role\":\"assistant\",\"content\":[],\"usage\":{\"input_tokens\":"
  "821,\"output_tokens\":536,\"cache_read_input_tokens\":28888,\"cache_creation_input_token"
  "s\":3264,\"service_tier\":\"standard\",\"cache_creation\":{\"ephemeral_5m_input_tokens\""
  ":3264,\"ephemeral_1h_input_tokens\":0}}}" },
{ "written for an hour", "anthropic", "claude-sonnet-4-20250514",
  "anthropic", "2026-11-28T12:00", 38779650,
  "{\"type\":\"message\",\"role\":\"assistant\",\"content\":[],\"usage\":{\"input_tokens\":"
  "821,\"output_tokens\":536,\"cache_read_input_tokens\":28888,\"cache_creation_input_token"
  "s\":3271,\"service_tier\":\"standard\",\"cache_creation\":{\"ephemeral_5m_input_tokens\""
  ":7,\"ephemeral_1h_input_tokens\":3264},\"output_tokens_details\":{\"thinking_tokens\":25"
  "0}}}" },
{ "plain", "anthropic", "claude-haiku-4-5-20251001",
  "anthropic", "2026-11-28T12:00", 3687000,
  "{\"type\":\"message\",\"role\":\"assistant\",\"content\":[],\"usage\":{\"input_tokens\":"
  "922,\"output_tokens\":553,\"cache_read_input_tokens\":0,\"cache_creation_input_tokens\":"
  "0,\"service_tier\":\"standard\",\"cache_creation\":{\"ephemeral_5m_input_tokens\":0,\"ep"
  "hemeral_1h_input_tokens\":0}}}" },
{ "read and written for 5 minutes", "anthropic", "claude-haiku-4-5-20251001",
  "anthropic", "2026-11-28T12:00", 10808150,
  "{\"type\":\"message\",\"role\":\"assistant\",\"content\":[],\"usage\":{\"input_tokens\":"
  "922,\"output_tokens\":553,\"cache_read_input_tokens\":29999,\"cache_creation_input_token"
  "s\":3297,\"service_tier\":\"standard\",\"cache_creation\":{\"ephemeral_5m_input_tokens\""
  ":3297,\"ephemeral_1h_input_tokens\":0}}}" },
{ "written for an hour", "anthropic", "claude-haiku-4-5-20251001",
  "anthropic", "2026-11-28T12:00", 13289650,
  "{\"type\":\"message\",\"role\":\"assistant\",\"content\":[],\"usage\":{\"input_tokens\":"
  "922,\"output_tokens\":553,\"cache_read_input_tokens\":29999,\"cache_creation_input_token"
  "s\":3304,\"service_tier\":\"standard\",\"cache_creation\":{\"ephemeral_5m_input_tokens\""
  ":7,\"ephemeral_1h_input_tokens\":3297},\"output_tokens_details\":{\"thinking_tokens\":25"
  "0}}}" },
{ "plain", "anthropic", "claude-3-5-haiku-20241022",
  "anthropic", "2026-11-28T12:00", 3098400,
  "{\"type\":\"message\",\"role\":\"assistant\",\"content\":[],\"usage\":{\"input_tokens\":"
  "1023,\"output_tokens\":570,\"cache_read_input_tokens\":0,\"cache_creation_input_tokens\""
  ":0,\"service_tier\":\"standard\",\"cache_creation\":{\"ephemeral_5m_input_tokens\":0,\"e"
  "phemeral_1h_input_tokens\":0}}}" },
{ "read and written for 5 minutes", "anthropic", "claude-3-5-haiku-20241022",
  "anthropic", "2026-11-28T12:00", 8917200,
  "{\"type\":\"message\",\"role\":\"assistant\",\"content\":[],\"usage\":{\"input_tokens\":"
  "1023,\"output_tokens\":570,\"cache_read_input_tokens\":31110,\"cache_creation_input_toke"
  "ns\":3330,\"service_tier\":\"standard\",\"cache_creation\":{\"ephemeral_5m_input_tokens\""
  ":3330,\"ephemeral_1h_input_tokens\":0}}}" },
{ "written for an hour", "anthropic", "claude-3-5-haiku-20241022",
  "anthropic", "2026-11-28T12:00", 10922200,
  "{\"type\":\"message\",\"role\":\"assistant\",\"content\":[],\"usage\":{\"input_tokens\":"
  "1023,\"output_tokens\":570,\"cache_read_input_tokens\":31110,\"cache_creation_input_toke"
  "ns\":3337,\"service_tier\":\"standard\",\"cache_creation\":{\"ephemeral_5m_input_tokens\""
  ":7,\"ephemeral_1h_input_tokens\":3330},\"output_tokens_details\":{\"thinking_tokens\":25"
  "0}}}" },
{ "plain", "anthropic", "claude-fable-5",
  "anthropic", "2026-11-28T12:00", 40590000,
  "{\"type\":\"message\",\"role\":\"assistant\",\"content\":[],\"usage\":{\"input_tokens\":"
  "1124,\"output_tokens\":587,\"cache_read_input_tokens\":0,\"cache_creation_input_tokens\""
  ":0,\"service_tier\":\"standard\",\"cache_creation\":{\"ephemeral_5m_input_tokens\":0,\"e"
  "phemeral_1h_input_tokens\":0}}}" },
{ "read and written for 5 minutes", "anthropic", "claude-fable-5",
  "anthropic", "2026-11-28T12:00", 114848500,
  "{\"type\":\"message\",\"role\":\"assistant\",\"content\":[],\"usage\":{\"input_tokens\":"
  "1124,\"output_tokens\":587,\"cache_read_input_tokens\":32221,\"cache_creation_input_toke"
  "ns\":3363,\"service_tier\":\"standard\",\"cache_creation\":{\"ephemeral_5m_input_tokens\""
  ":3363,\"ephemeral_1h_input_tokens\":0}}}" },
{ "written for an hour", "anthropic", "claude-fable-5",
  "anthropic", "2026-11-28T12:00", 140158500,
  "{\"type\":\"message\",\"role\":\"assistant\",\"content\":[],\"usage\":{\"input_tokens\":"
  "1124,\"output_tokens\":587,\"cache_read_input_tokens\":32221,\"cache_creation_input_toke"
  "ns\":3370,\"service_tier\":\"standard\",\"cache_creation\":{\"ephemeral_5m_input_tokens\""
  ":7,\"ephemeral_1h_input_tokens\":3363},\"output_tokens_details\":{\"thinking_tokens\":25"
  "0}}}" },
{ "plain", "anthropic", "claude-fable-5-1",
  "anthropic", "2026-11-28T12:00", 42450000,
  "{\"type\":\"message\",\"role\":\"assistant\",\"content\":[],\"usage\":{\"input_tokens\":"
  "1225,\"output_tokens\":604,\"cache_read_input_tokens\":0,\"cache_creation_input_tokens\""
  ":0,\"service_tier\":\"standard\",\"cache_creation\":{\"ephemeral_5m_input_tokens\":0,\"e"
  "phemeral_1h_input_tokens\":0}}}" },
{ "read and written for 5 minutes", "anthropic", "claude-fable-5-1",
  "anthropic", "2026-11-28T12:00", 93233000,
  "{\"type\":\"message\",\"role\":\"assistant\",\"content\":[],\"usage\":{\"input_tokens\":"
  "1225,\"output_tokens\":604,\"cache_read_input_tokens\":33332,\"cache_creation_input_toke"
  "ns\":3396,\"service_tier\":\"standard\",\"cache_creation\":{\"ephemeral_5m_input_tokens\""
  ":3396,\"ephemeral_1h_input_tokens\":0}}}" },
{ "written for an hour", "anthropic", "claude-fable-5-1",
  "anthropic", "2026-11-28T12:00", 118790500,
  "{\"type\":\"message\",\"role\":\"assistant\",\"content\":[],\"usage\":{\"input_tokens\":"
  "1225,\"output_tokens\":604,\"cache_read_input_tokens\":33332,\"cache_creation_input_toke"
  "ns\":3403,\"service_tier\":\"standard\",\"cache_creation\":{\"ephemeral_5m_input_tokens\""
  ":7,\"ephemeral_1h_input_tokens\":3396},\"output_tokens_details\":{\"thinking_tokens\":25"
  "0}}}" },
{ "a total of writes without lifetimes", "anthropic", "claude-sonnet-4-5",
  "anthropic", "2026-11-28T12:00", 18819000,
  "{\"type\":\"message\",\"role\":\"assistant\",\"content\":[],\"usage\":{\"input_tokens\":"
  "3,\"output_tokens\":4,\"cache_read_input_tokens\":0,\"cache_creation_input_tokens\":5000"
  ",\"service_tier\":\"standard\"}}" },
{ "below the tier", "anthropic", "claude-sonnet-4-5",
  "anthropic", "2026-11-28T12:00", 330153450,
  "{\"type\":\"message\",\"role\":\"assistant\",\"content\":[],\"usage\":{\"input_tokens\":"
  "100000,\"output_tokens\":10,\"cache_read_input_tokens\":99999,\"cache_creation_input_tok"
  "ens\":1,\"service_tier\":\"standard\",\"cache_creation\":{\"ephemeral_5m_input_tokens\":"
  "1,\"ephemeral_1h_input_tokens\":0}}}" },
{ "cached tokens count for the tier", "anthropic", "claude-sonnet-4-5",
  "anthropic", "2026-11-28T12:00", 660232500,
  "{\"type\":\"message\",\"role\":\"assistant\",\"content\":[],\"usage\":{\"input_tokens\":"
  "100000,\"output_tokens\":10,\"cache_read_input_tokens\":100000,\"cache_creation_input_to"
  "kens\":1,\"service_tier\":\"standard\",\"cache_creation\":{\"ephemeral_5m_input_tokens\""
  ":1,\"ephemeral_1h_input_tokens\":0}}}" },
{ "tier before its end", "anthropic", "claude-sonnet-4-6",
  "anthropic", "2026-03-12T23:59", 1500225000,
  "{\"type\":\"message\",\"role\":\"assistant\",\"content\":[],\"usage\":{\"input_tokens\":"
  "250000,\"output_tokens\":10,\"cache_read_input_tokens\":0,\"cache_creation_input_tokens\""
  ":0,\"service_tier\":\"standard\",\"cache_creation\":{\"ephemeral_5m_input_tokens\":0,\"e"
  "phemeral_1h_input_tokens\":0}}}" },
{ "no tier since", "anthropic", "claude-sonnet-4-6",
  "anthropic", "2026-03-13T00:00", 750150000,
  "{\"type\":\"message\",\"role\":\"assistant\",\"content\":[],\"usage\":{\"input_tokens\":"
  "250000,\"output_tokens\":10,\"cache_read_input_tokens\":0,\"cache_creation_input_tokens\""
  ":0,\"service_tier\":\"standard\",\"cache_creation\":{\"ephemeral_5m_input_tokens\":0,\"e"
  "phemeral_1h_input_tokens\":0}}}" },
{ "web searches", "anthropic", "claude-sonnet-4-5",
  "anthropic", "2026-11-28T12:00", 99003000,
  "{\"type\":\"message\",\"role\":\"assistant\",\"content\":[],\"usage\":{\"input_tokens\":"
  "20001,\"output_tokens\":600,\"cache_read_input_tokens\":0,\"cache_creation_input_tokens\""
  ":0,\"service_tier\":\"standard\",\"cache_creation\":{\"ephemeral_5m_input_tokens\":0,\"e"
  "phemeral_1h_input_tokens\":0},\"server_tool_use\":{\"web_search_requests\":3,\"web_fetch"
  "_requests\":1}}}" },
{ "batch", "anthropic", "claude-haiku-4-5",
  "anthropic", "2026-11-28T12:00", 1583000,
  "{\"type\":\"message\",\"role\":\"assistant\",\"content\":[],\"usage\":{\"input_tokens\":"
  "1001,\"output_tokens\":333,\"cache_read_input_tokens\":5000,\"cache_creation_input_token"
  "s\":0,\"service_tier\":\"batch\",\"cache_creation\":{\"ephemeral_5m_input_tokens\":0,\"e"
  "phemeral_1h_input_tokens\":0}}}" },
{ "fast", "anthropic", "claude-opus-4-8",
  "anthropic", "2026-11-28T12:00", 31660000,
  "{\"type\":\"message\",\"role\":\"assistant\",\"content\":[],\"usage\":{\"input_tokens\":"
  "1001,\"output_tokens\":333,\"cache_read_input_tokens\":5000,\"cache_creation_input_token"
  "s\":0,\"service_tier\":\"standard\",\"cache_creation\":{\"ephemeral_5m_input_tokens\":0,"
  "\"ephemeral_1h_input_tokens\":0},\"speed\":\"fast\"}}" },
{ "in the US", "anthropic", "claude-opus-4-7",
  "anthropic", "2026-11-28T12:00", 17413000,
  "{\"type\":\"message\",\"role\":\"assistant\",\"content\":[],\"usage\":{\"input_tokens\":"
  "1001,\"output_tokens\":333,\"cache_read_input_tokens\":5000,\"cache_creation_input_token"
  "s\":0,\"service_tier\":\"standard\",\"cache_creation\":{\"ephemeral_5m_input_tokens\":0,"
  "\"ephemeral_1h_input_tokens\":0},\"inference_geo\":\"us\"}}" },
{ "fast in the US", "anthropic", "claude-opus-5",
  "anthropic", "2026-11-28T12:00", 660000,
  "{\"type\":\"message\",\"role\":\"assistant\",\"content\":[],\"usage\":{\"input_tokens\":"
  "10,\"output_tokens\":10,\"cache_read_input_tokens\":0,\"cache_creation_input_tokens\":0,"
  "\"service_tier\":\"standard\",\"cache_creation\":{\"ephemeral_5m_input_tokens\":0,\"ephe"
  "meral_1h_input_tokens\":0},\"speed\":\"fast\",\"inference_geo\":\"us\"}}" },
{ "elsewhere", "anthropic", "claude-opus-4-7",
  "anthropic", "2026-11-28T12:00", 300000,
  "{\"type\":\"message\",\"role\":\"assistant\",\"content\":[],\"usage\":{\"input_tokens\":"
  "10,\"output_tokens\":10,\"cache_read_input_tokens\":0,\"cache_creation_input_tokens\":0,"
  "\"service_tier\":\"standard\",\"cache_creation\":{\"ephemeral_5m_input_tokens\":0,\"ephe"
  "meral_1h_input_tokens\":0},\"inference_geo\":\"global\",\"speed\":\"standard\"}}" },
{ "priority is paid by contract", "anthropic", "claude-sonnet-4-5",
  "anthropic", "2026-11-28T12:00", -1,
  "{\"type\":\"message\",\"role\":\"assistant\",\"content\":[],\"usage\":{\"input_tokens\":"
  "10,\"output_tokens\":10,\"cache_read_input_tokens\":0,\"cache_creation_input_tokens\":0,"
  "\"service_tier\":\"priority\",\"cache_creation\":{\"ephemeral_5m_input_tokens\":0,\"ephe"
  "meral_1h_input_tokens\":0}}}" },
{ "haiku 3", "anthropic", "claude-3-haiku-20240307",
  "anthropic", "2026-11-28T12:00", 448440,
  "{\"type\":\"message\",\"role\":\"assistant\",\"content\":[],\"usage\":{\"input_tokens\":"
  "111,\"output_tokens\":222,\"cache_read_input_tokens\":333,\"cache_creation_input_tokens\""
  ":444,\"service_tier\":\"standard\",\"cache_creation\":{\"ephemeral_5m_input_tokens\":444"
  ",\"ephemeral_1h_input_tokens\":0}}}" },
{ "bedrock", "bedrock", "global.anthropic.claude-sonnet-4-5-20250929-v1:0",
  "bedrock", "2026-11-28T12:00", 18120750,
  "{\"output\":{\"message\":{\"role\":\"assistant\",\"content\":[]}},\"stopReason\":\"end_t"
  "urn\",\"usage\":{\"inputTokens\":1234,\"outputTokens\":567,\"totalTokens\":11533,\"cache"
  "ReadInputTokens\":8900,\"cacheWriteInputTokens\":832,\"cacheDetails\":[{\"inputTokens\":"
  "777,\"ttl\":\"5m\"},{\"inputTokens\":55,\"ttl\":\"1h\"}]}}" },
{ "bedrock", "bedrock", "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
  "bedrock", "2026-11-28T12:00", 19932825,
  "{\"output\":{\"message\":{\"role\":\"assistant\",\"content\":[]}},\"stopReason\":\"end_t"
  "urn\",\"usage\":{\"inputTokens\":1234,\"outputTokens\":567,\"totalTokens\":11533,\"cache"
  "ReadInputTokens\":8900,\"cacheWriteInputTokens\":832,\"cacheDetails\":[{\"inputTokens\":"
  "777,\"ttl\":\"5m\"},{\"inputTokens\":55,\"ttl\":\"1h\"}]}}" },
{ "bedrock", "bedrock", "eu.anthropic.claude-haiku-4-5-20251001-v1:0",
  "bedrock", "2026-11-28T12:00", 6644275,
  "{\"output\":{\"message\":{\"role\":\"assistant\",\"content\":[]}},\"stopReason\":\"end_t"
  "urn\",\"usage\":{\"inputTokens\":1234,\"outputTokens\":567,\"totalTokens\":11533,\"cache"
  "ReadInputTokens\":8900,\"cacheWriteInputTokens\":832,\"cacheDetails\":[{\"inputTokens\":"
  "777,\"ttl\":\"5m\"},{\"inputTokens\":55,\"ttl\":\"1h\"}]}}" },
{ "nova", "bedrock", "amazon.nova-micro-v1:0",
  "bedrock", "2026-11-28T12:00", 120934,
  "{\"output\":{\"message\":{\"role\":\"assistant\",\"content\":[]}},\"stopReason\":\"end_t"
  "urn\",\"usage\":{\"inputTokens\":2001,\"outputTokens\":301,\"totalTokens\":3303,\"cacheR"
  "eadInputTokens\":1001,\"cacheWriteInputTokens\":0}}" },
{ "nova", "bedrock", "amazon.nova-lite-v1:0",
  "bedrock", "2026-11-28T12:00", 207315,
  "{\"output\":{\"message\":{\"role\":\"assistant\",\"content\":[]}},\"stopReason\":\"end_t"
  "urn\",\"usage\":{\"inputTokens\":2001,\"outputTokens\":301,\"totalTokens\":3303,\"cacheR"
  "eadInputTokens\":1001,\"cacheWriteInputTokens\":0}}" },
{ "nova", "bedrock", "us.amazon.nova-pro-v1:0",
  "bedrock", "2026-11-28T12:00", 2764200,
  "{\"output\":{\"message\":{\"role\":\"assistant\",\"content\":[]}},\"stopReason\":\"end_t"
  "urn\",\"usage\":{\"inputTokens\":2001,\"outputTokens\":301,\"totalTokens\":3303,\"cacheR"
  "eadInputTokens\":1001,\"cacheWriteInputTokens\":0}}" },
{ "nova", "bedrock", "us.amazon.nova-premier-v1:0",
  "bedrock", "2026-11-28T12:00", 9390625,
  "{\"output\":{\"message\":{\"role\":\"assistant\",\"content\":[]}},\"stopReason\":\"end_t"
  "urn\",\"usage\":{\"inputTokens\":2001,\"outputTokens\":301,\"totalTokens\":3303,\"cacheR"
  "eadInputTokens\":1001,\"cacheWriteInputTokens\":0}}" },
{ "others", "bedrock", "us.meta.llama3-3-70b-instruct-v1:0",
  "bedrock", "2026-11-28T12:00", 704160,
  "{\"output\":{\"message\":{\"role\":\"assistant\",\"content\":[]}},\"stopReason\":\"end_t"
  "urn\",\"usage\":{\"inputTokens\":901,\"outputTokens\":77,\"totalTokens\":978}}" },
{ "others", "bedrock", "us.deepseek.r1-v1:0",
  "bedrock", "2026-11-28T12:00", 1632150,
  "{\"output\":{\"message\":{\"role\":\"assistant\",\"content\":[]}},\"stopReason\":\"end_t"
  "urn\",\"usage\":{\"inputTokens\":901,\"outputTokens\":77,\"totalTokens\":978}}" },
{ "others", "bedrock", "openai.gpt-oss-120b-1:0",
  "bedrock", "2026-11-28T12:00", 181350,
  "{\"output\":{\"message\":{\"role\":\"assistant\",\"content\":[]}},\"stopReason\":\"end_t"
  "urn\",\"usage\":{\"inputTokens\":901,\"outputTokens\":77,\"totalTokens\":978}}" },
{ "plain", "gemini", "gemini-2.5-pro",
  "gemini", "2026-11-28T12:00", 7220000,
  "{\"candidates\":[],\"usageMetadata\":{\"promptTokenCount\":4000,\"candidatesTokenCount\""
  ":222,\"totalTokenCount\":4222,\"promptTokensDetails\":[{\"modality\":\"TEXT\",\"tokenCou"
  "nt\":4000}]}}" },
{ "thoughts are output", "gemini", "gemini-2.5-pro",
  "gemini", "2026-11-28T12:00", 16220000,
  "{\"candidates\":[],\"usageMetadata\":{\"promptTokenCount\":4000,\"candidatesTokenCount\""
  ":222,\"totalTokenCount\":5122,\"promptTokensDetails\":[{\"modality\":\"TEXT\",\"tokenCou"
  "nt\":4000}],\"thoughtsTokenCount\":900}}" },
{ "cached", "gemini", "gemini-2.5-pro",
  "gemini", "2026-11-28T12:00", 5016000,
  "{\"candidates\":[],\"usageMetadata\":{\"promptTokenCount\":4000,\"candidatesTokenCount\""
  ":222,\"totalTokenCount\":4232,\"promptTokensDetails\":[{\"modality\":\"TEXT\",\"tokenCou"
  "nt\":4000}],\"cachedContentTokenCount\":2048,\"cacheTokensDetails\":[{\"modality\":\"TEX"
  "T\",\"tokenCount\":2048}],\"thoughtsTokenCount\":10}}" },
{ "audio, some of it cached", "gemini", "gemini-2.5-pro",
  "gemini", "2026-11-28T12:00", 5982500,
  "{\"candidates\":[],\"usageMetadata\":{\"promptTokenCount\":4000,\"candidatesTokenCount\""
  ":222,\"totalTokenCount\":4222,\"promptTokensDetails\":[{\"modality\":\"TEXT\",\"tokenCou"
  "nt\":2500},{\"modality\":\"AUDIO\",\"tokenCount\":1500}],\"cachedContentTokenCount\":110"
  "0,\"cacheTokensDetails\":[{\"modality\":\"TEXT\",\"tokenCount\":500},{\"modality\":\"AUD"
  "IO\",\"tokenCount\":600}]}}" },
{ "plain", "gemini", "gemini-2.5-flash",
  "gemini", "2026-11-28T12:00", 1820800,
  "{\"candidates\":[],\"usageMetadata\":{\"promptTokenCount\":4111,\"candidatesTokenCount\""
  ":235,\"totalTokenCount\":4346,\"promptTokensDetails\":[{\"modality\":\"TEXT\",\"tokenCou"
  "nt\":4111}]}}" },
{ "thoughts are output", "gemini", "gemini-2.5-flash",
  "gemini", "2026-11-28T12:00", 4073300,
  "{\"candidates\":[],\"usageMetadata\":{\"promptTokenCount\":4111,\"candidatesTokenCount\""
  ":235,\"totalTokenCount\":5247,\"promptTokensDetails\":[{\"modality\":\"TEXT\",\"tokenCou"
  "nt\":4111}],\"thoughtsTokenCount\":901}}" },
{ "cached", "gemini", "gemini-2.5-flash",
  "gemini", "2026-11-28T12:00", 1292840,
  "{\"candidates\":[],\"usageMetadata\":{\"promptTokenCount\":4111,\"candidatesTokenCount\""
  ":235,\"totalTokenCount\":4356,\"promptTokensDetails\":[{\"modality\":\"TEXT\",\"tokenCou"
  "nt\":4111}],\"cachedContentTokenCount\":2048,\"cacheTokensDetails\":[{\"modality\":\"TEX"
  "T\",\"tokenCount\":2048}],\"thoughtsTokenCount\":10}}" },
{ "audio, some of it cached", "gemini", "gemini-2.5-flash",
  "gemini", "2026-11-28T12:00", 2195800,
  "{\"candidates\":[],\"usageMetadata\":{\"promptTokenCount\":4111,\"candidatesTokenCount\""
  ":235,\"totalTokenCount\":4346,\"promptTokensDetails\":[{\"modality\":\"TEXT\",\"tokenCou"
  "nt\":2611},{\"modality\":\"AUDIO\",\"tokenCount\":1500}],\"cachedContentTokenCount\":110"
  "0,\"cacheTokensDetails\":[{\"modality\":\"TEXT\",\"tokenCount\":500},{\"modality\":\"AUD"
  "IO\",\"tokenCount\":600}]}}" },
{ "plain", "gemini", "gemini-2.5-flash-lite",
  "gemini", "2026-11-28T12:00", 521400,
  "{\"candidates\":[],\"usageMetadata\":{\"promptTokenCount\":4222,\"candidatesTokenCount\""
  ":248,\"totalTokenCount\":4470,\"promptTokensDetails\":[{\"modality\":\"TEXT\",\"tokenCou"
  "nt\":4222}]}}" },
{ "thoughts are output", "gemini", "gemini-2.5-flash-lite",
  "gemini", "2026-11-28T12:00", 882200,
  "{\"candidates\":[],\"usageMetadata\":{\"promptTokenCount\":4222,\"candidatesTokenCount\""
  ":248,\"totalTokenCount\":5372,\"promptTokensDetails\":[{\"modality\":\"TEXT\",\"tokenCou"
  "nt\":4222}],\"thoughtsTokenCount\":902}}" },
{ "cached", "gemini", "gemini-2.5-flash-lite",
  "gemini", "2026-11-28T12:00", 341080,
  "{\"candidates\":[],\"usageMetadata\":{\"promptTokenCount\":4222,\"candidatesTokenCount\""
  ":248,\"totalTokenCount\":4480,\"promptTokensDetails\":[{\"modality\":\"TEXT\",\"tokenCou"
  "nt\":4222}],\"cachedContentTokenCount\":2048,\"cacheTokensDetails\":[{\"modality\":\"TEX"
  "T\",\"tokenCount\":2048}],\"thoughtsTokenCount\":10}}" },
{ "audio, some of it cached", "gemini", "gemini-2.5-flash-lite",
  "gemini", "2026-11-28T12:00", 614400,
  "{\"candidates\":[],\"usageMetadata\":{\"promptTokenCount\":4222,\"candidatesTokenCount\""
  ":248,\"totalTokenCount\":4470,\"promptTokensDetails\":[{\"modality\":\"TEXT\",\"tokenCou"
  "nt\":2722},{\"modality\":\"AUDIO\",\"tokenCount\":1500}],\"cachedContentTokenCount\":110"
  "0,\"cacheTokensDetails\":[{\"modality\":\"TEXT\",\"tokenCount\":500},{\"modality\":\"AUD"
  "IO\",\"tokenCount\":600}]}}" },
{ "plain", "gemini", "gemini-2.0-flash",
  "gemini", "2026-11-28T12:00", 537700,
  "{\"candidates\":[],\"usageMetadata\":{\"promptTokenCount\":4333,\"candidatesTokenCount\""
  ":261,\"totalTokenCount\":4594,\"promptTokensDetails\":[{\"modality\":\"TEXT\",\"tokenCou"
  "nt\":4333}]}}" },
{ "thoughts are output", "gemini", "gemini-2.0-flash",
  "gemini", "2026-11-28T12:00", 898900,
  "{\"candidates\":[],\"usageMetadata\":{\"promptTokenCount\":4333,\"candidatesTokenCount\""
  ":261,\"totalTokenCount\":5497,\"promptTokensDetails\":[{\"modality\":\"TEXT\",\"tokenCou"
  "nt\":4333}],\"thoughtsTokenCount\":903}}" },
{ "cached", "gemini", "gemini-2.0-flash",
  "gemini", "2026-11-28T12:00", 388100,
  "{\"candidates\":[],\"usageMetadata\":{\"promptTokenCount\":4333,\"candidatesTokenCount\""
  ":261,\"totalTokenCount\":4604,\"promptTokensDetails\":[{\"modality\":\"TEXT\",\"tokenCou"
  "nt\":4333}],\"cachedContentTokenCount\":2048,\"cacheTokensDetails\":[{\"modality\":\"TEX"
  "T\",\"tokenCount\":2048}],\"thoughtsTokenCount\":10}}" },
{ "audio, some of it cached", "gemini", "gemini-2.0-flash",
  "gemini", "2026-11-28T12:00", 1085200,
  "{\"candidates\":[],\"usageMetadata\":{\"promptTokenCount\":4333,\"candidatesTokenCount\""
  ":261,\"totalTokenCount\":4594,\"promptTokensDetails\":[{\"modality\":\"TEXT\",\"tokenCou"
  "nt\":2833},{\"modality\":\"AUDIO\",\"tokenCount\":1500}],\"cachedContentTokenCount\":110"
  "0,\"cacheTokensDetails\":[{\"modality\":\"TEXT\",\"tokenCount\":500},{\"modality\":\"AUD"
  "IO\",\"tokenCount\":600}]}}" },
{ "plain", "gemini", "gemini-3-pro-preview",
  "gemini", "2026-11-28T12:00", 12176000,
  "{\"candidates\":[],\"usageMetadata\":{\"promptTokenCount\":4444,\"candidatesTokenCount\""
  ":274,\"totalTokenCount\":4718,\"promptTokensDetails\":[{\"modality\":\"TEXT\",\"tokenCou"
  "nt\":4444}]}}" },
{ "thoughts are output", "gemini", "gemini-3-pro-preview",
  "gemini", "2026-11-28T12:00", 23024000,
  "{\"candidates\":[],\"usageMetadata\":{\"promptTokenCount\":4444,\"candidatesTokenCount\""
  ":274,\"totalTokenCount\":5622,\"promptTokensDetails\":[{\"modality\":\"TEXT\",\"tokenCou"
  "nt\":4444}],\"thoughtsTokenCount\":904}}" },
{ "cached", "gemini", "gemini-3-pro-preview",
  "gemini", "2026-11-28T12:00", 8609600,
  "{\"candidates\":[],\"usageMetadata\":{\"promptTokenCount\":4444,\"candidatesTokenCount\""
  ":274,\"totalTokenCount\":4728,\"promptTokensDetails\":[{\"modality\":\"TEXT\",\"tokenCou"
  "nt\":4444}],\"cachedContentTokenCount\":2048,\"cacheTokensDetails\":[{\"modality\":\"TEX"
  "T\",\"tokenCount\":2048}],\"thoughtsTokenCount\":10}}" },
{ "audio, some of it cached", "gemini", "gemini-3-pro-preview",
  "gemini", "2026-11-28T12:00", 10196000,
  "{\"candidates\":[],\"usageMetadata\":{\"promptTokenCount\":4444,\"candidatesTokenCount\""
  ":274,\"totalTokenCount\":4718,\"promptTokensDetails\":[{\"modality\":\"TEXT\",\"tokenCou"
  "nt\":2944},{\"modality\":\"AUDIO\",\"tokenCount\":1500}],\"cachedContentTokenCount\":110"
  "0,\"cacheTokensDetails\":[{\"modality\":\"TEXT\",\"tokenCount\":500},{\"modality\":\"AUD"
  "IO\",\"tokenCount\":600}]}}" },
{ "plain", "gemini", "gemini-3-flash-preview",
  "gemini", "2026-11-28T12:00", 3138500,
  "{\"candidates\":[],\"usageMetadata\":{\"promptTokenCount\":4555,\"candidatesTokenCount\""
  ":287,\"totalTokenCount\":4842,\"promptTokensDetails\":[{\"modality\":\"TEXT\",\"tokenCou"
  "nt\":4555}]}}" },
{ "thoughts are output", "gemini", "gemini-3-flash-preview",
  "gemini", "2026-11-28T12:00", 5853500,
  "{\"candidates\":[],\"usageMetadata\":{\"promptTokenCount\":4555,\"candidatesTokenCount\""
  ":287,\"totalTokenCount\":5747,\"promptTokensDetails\":[{\"modality\":\"TEXT\",\"tokenCou"
  "nt\":4555}],\"thoughtsTokenCount\":905}}" },
{ "cached", "gemini", "gemini-3-flash-preview",
  "gemini", "2026-11-28T12:00", 2246900,
  "{\"candidates\":[],\"usageMetadata\":{\"promptTokenCount\":4555,\"candidatesTokenCount\""
  ":287,\"totalTokenCount\":4852,\"promptTokensDetails\":[{\"modality\":\"TEXT\",\"tokenCou"
  "nt\":4555}],\"cachedContentTokenCount\":2048,\"cacheTokensDetails\":[{\"modality\":\"TEX"
  "T\",\"tokenCount\":2048}],\"thoughtsTokenCount\":10}}" },
{ "audio, some of it cached", "gemini", "gemini-3-flash-preview",
  "gemini", "2026-11-28T12:00", 3123500,
  "{\"candidates\":[],\"usageMetadata\":{\"promptTokenCount\":4555,\"candidatesTokenCount\""
  ":287,\"totalTokenCount\":4842,\"promptTokensDetails\":[{\"modality\":\"TEXT\",\"tokenCou"
  "nt\":3055},{\"modality\":\"AUDIO\",\"tokenCount\":1500}],\"cachedContentTokenCount\":110"
  "0,\"cacheTokensDetails\":[{\"modality\":\"TEXT\",\"tokenCount\":500},{\"modality\":\"AUD"
  "IO\",\"tokenCount\":600}]}}" },
{ "plain", "gemini", "gemini-3.5-flash",
  "gemini", "2026-11-28T12:00", 9699000,
  "{\"candidates\":[],\"usageMetadata\":{\"promptTokenCount\":4666,\"candidatesTokenCount\""
  ":300,\"totalTokenCount\":4966,\"promptTokensDetails\":[{\"modality\":\"TEXT\",\"tokenCou"
  "nt\":4666}]}}" },
{ "thoughts are output", "gemini", "gemini-3.5-flash",
  "gemini", "2026-11-28T12:00", 17853000,
  "{\"candidates\":[],\"usageMetadata\":{\"promptTokenCount\":4666,\"candidatesTokenCount\""
  ":300,\"totalTokenCount\":5872,\"promptTokensDetails\":[{\"modality\":\"TEXT\",\"tokenCou"
  "nt\":4666}],\"thoughtsTokenCount\":906}}" },
{ "cached", "gemini", "gemini-3.5-flash",
  "gemini", "2026-11-28T12:00", 7024200,
  "{\"candidates\":[],\"usageMetadata\":{\"promptTokenCount\":4666,\"candidatesTokenCount\""
  ":300,\"totalTokenCount\":4976,\"promptTokensDetails\":[{\"modality\":\"TEXT\",\"tokenCou"
  "nt\":4666}],\"cachedContentTokenCount\":2048,\"cacheTokensDetails\":[{\"modality\":\"TEX"
  "T\",\"tokenCount\":2048}],\"thoughtsTokenCount\":10}}" },
{ "audio, some of it cached", "gemini", "gemini-3.5-flash",
  "gemini", "2026-11-28T12:00", 8214000,
  "{\"candidates\":[],\"usageMetadata\":{\"promptTokenCount\":4666,\"candidatesTokenCount\""
  ":300,\"totalTokenCount\":4966,\"promptTokensDetails\":[{\"modality\":\"TEXT\",\"tokenCou"
  "nt\":3166},{\"modality\":\"AUDIO\",\"tokenCount\":1500}],\"cachedContentTokenCount\":110"
  "0,\"cacheTokensDetails\":[{\"modality\":\"TEXT\",\"tokenCount\":500},{\"modality\":\"AUD"
  "IO\",\"tokenCount\":600}]}}" },
{ "tool input is input", "gemini", "gemini-2.5-flash",
  "gemini", "2026-11-28T12:00", 1363800,
  "{\"candidates\":[],\"usageMetadata\":{\"promptTokenCount\":100,\"candidatesTokenCount\":"
  "10,\"totalTokenCount\":4436,\"promptTokensDetails\":[{\"modality\":\"TEXT\",\"tokenCount"
  "\":100}],\"thoughtsTokenCount\":5,\"toolUsePromptTokenCount\":4321}}" },
{ "a model's resource name", "gemini", "models/gemini-2.5-flash",
  "gemini", "2026-11-28T12:00", 55000,
  "{\"candidates\":[],\"usageMetadata\":{\"promptTokenCount\":100,\"candidatesTokenCount\":"
  "10,\"totalTokenCount\":110,\"promptTokensDetails\":[{\"modality\":\"TEXT\",\"tokenCount\""
  ":100}]}}" },
{ "tier at 200000", "gemini", "gemini-2.5-pro",
  "gemini", "2026-11-28T12:00", 82250000,
  "{\"candidates\":[],\"usageMetadata\":{\"promptTokenCount\":200000,\"candidatesTokenCount"
  "\":99,\"totalTokenCount\":200100,\"promptTokensDetails\":[{\"modality\":\"TEXT\",\"token"
  "Count\":200000}],\"cachedContentTokenCount\":150000,\"cacheTokensDetails\":[{\"modality\""
  ":\"TEXT\",\"tokenCount\":150000}],\"thoughtsTokenCount\":1}}" },
{ "tier at 200001", "gemini", "gemini-2.5-pro",
  "gemini", "2026-11-28T12:00", 164002500,
  "{\"candidates\":[],\"usageMetadata\":{\"promptTokenCount\":200001,\"candidatesTokenCount"
  "\":99,\"totalTokenCount\":200101,\"promptTokensDetails\":[{\"modality\":\"TEXT\",\"token"
  "Count\":200001}],\"cachedContentTokenCount\":150000,\"cacheTokensDetails\":[{\"modality\""
  ":\"TEXT\",\"tokenCount\":150000}],\"thoughtsTokenCount\":1}}" },
{ "tier on Vertex", "vertex", "publishers/google/models/gemini-3-pro-preview",
  "gemini", "2026-11-28T12:00", 1000540000,
  "{\"candidates\":[],\"usageMetadata\":{\"promptTokenCount\":250000,\"candidatesTokenCount"
  "\":10,\"totalTokenCount\":250030,\"promptTokensDetails\":[{\"modality\":\"TEXT\",\"token"
  "Count\":250000}],\"thoughtsTokenCount\":20}}" },
{ "searches", "gemini", "gemini-3-pro-preview",
  "gemini", "2026-11-28T12:00", 28320000,
  "{\"candidates\":[{\"groundingMetadata\":{\"webSearchQueries\":[\"a\",\"b\"]}}],\"usageMe"
  "tadata\":{\"promptTokenCount\":100,\"candidatesTokenCount\":10,\"totalTokenCount\":110,\""
  "promptTokensDetails\":[{\"modality\":\"TEXT\",\"tokenCount\":100}]}}" },
{ "searches paid by the prompt", "gemini", "gemini-2.5-flash",
  "gemini", "2026-11-28T12:00", -1,
  "{\"candidates\":[{\"groundingMetadata\":{\"webSearchQueries\":[\"a\",\"b\"]}}],\"usageMe"
  "tadata\":{\"promptTokenCount\":100,\"candidatesTokenCount\":10,\"totalTokenCount\":110,\""
  "promptTokensDetails\":[{\"modality\":\"TEXT\",\"tokenCount\":100}]}}" },
{ "images made", "gemini", "gemini-2.5-flash-image",
  "gemini", "2026-11-28T12:00", 38706000,
  "{\"candidates\":[],\"usageMetadata\":{\"promptTokenCount\":20,\"candidatesTokenCount\":1"
  "290,\"totalTokenCount\":1310,\"promptTokensDetails\":[{\"modality\":\"TEXT\",\"tokenCoun"
  "t\":20}],\"candidatesTokensDetails\":[{\"modality\":\"IMAGE\",\"tokenCount\":1290}]}}" },
{ "flex", "gemini", "gemini-2.5-flash",
  "gemini", "2026-11-28T12:00", 275000,
  "{\"candidates\":[],\"usageMetadata\":{\"promptTokenCount\":1000,\"candidatesTokenCount\""
  ":100,\"totalTokenCount\":1100,\"promptTokensDetails\":[{\"modality\":\"TEXT\",\"tokenCou"
  "nt\":1000}],\"serviceTier\":\"flex\"}}" },
{ "priority", "gemini", "gemini-3.7-flash",
  "gemini", "2026-11-28T12:00", 2025000,
  "{\"candidates\":[],\"usageMetadata\":{\"promptTokenCount\":1000,\"candidatesTokenCount\""
  ":100,\"totalTokenCount\":1100,\"promptTokensDetails\":[{\"modality\":\"TEXT\",\"tokenCou"
  "nt\":1000}],\"serviceTier\":\"priority\"}}" },
{ "flex on Vertex", "vertex", "gemini-2.5-pro",
  "gemini", "2026-11-28T12:00", 252000000,
  "{\"candidates\":[],\"usageMetadata\":{\"promptTokenCount\":201000,\"candidatesTokenCount"
  "\":100,\"totalTokenCount\":201100,\"promptTokensDetails\":[{\"modality\":\"TEXT\",\"toke"
  "nCount\":201000}],\"trafficType\":\"ON_DEMAND_FLEX\"}}" },
{ "on demand", "vertex", "gemini-2.5-pro",
  "gemini", "2026-11-28T12:00", 112500,
  "{\"candidates\":[],\"usageMetadata\":{\"promptTokenCount\":10,\"candidatesTokenCount\":1"
  "0,\"totalTokenCount\":20,\"promptTokensDetails\":[{\"modality\":\"TEXT\",\"tokenCount\":"
  "10}],\"trafficType\":\"ON_DEMAND\"}}" },
{ "provisioned throughput is paid by contract", "vertex", "gemini-2.5-pro",
  "gemini", "2026-11-28T12:00", -1,
  "{\"candidates\":[],\"usageMetadata\":{\"promptTokenCount\":10,\"candidatesTokenCount\":1"
  "0,\"totalTokenCount\":20,\"promptTokensDetails\":[{\"modality\":\"TEXT\",\"tokenCount\":"
  "10}],\"trafficType\":\"PROVISIONED_THROUGHPUT\"}}" },
{ "introductory price", "gemini", "gemini-3.6-flash",
  "gemini", "2026-12-31T23:59", 1125000,
  "{\"candidates\":[],\"usageMetadata\":{\"promptTokenCount\":1000,\"candidatesTokenCount\""
  ":100,\"totalTokenCount\":1100,\"promptTokensDetails\":[{\"modality\":\"TEXT\",\"tokenCou"
  "nt\":1000}]}}" },
{ "price from a date on", "gemini", "gemini-3.6-flash",
  "gemini", "2027-01-01T00:00", 2250000,
  "{\"candidates\":[],\"usageMetadata\":{\"promptTokenCount\":1000,\"candidatesTokenCount\""
  ":100,\"totalTokenCount\":1100,\"promptTokensDetails\":[{\"modality\":\"TEXT\",\"tokenCou"
  "nt\":1000}]}}" },
{ "free of charge", "gemini", "gemma-4-31b-it",
  "gemini", "2026-11-28T12:00", 0,
  "{\"candidates\":[],\"usageMetadata\":{\"promptTokenCount\":1000,\"candidatesTokenCount\""
  ":100,\"totalTokenCount\":1100,\"promptTokensDetails\":[{\"modality\":\"TEXT\",\"tokenCou"
  "nt\":1000}]}}" },
{ "Claude on Vertex", "vertex", "claude-opus-4-1@20250805",
  "anthropic", "2026-11-28T12:00", 3945000,
  "{\"type\":\"message\",\"role\":\"assistant\",\"content\":[],\"usage\":{\"input_tokens\":"
  "10,\"output_tokens\":20,\"cache_read_input_tokens\":30,\"cache_creation_input_tokens\":9"
  "0,\"service_tier\":\"standard\",\"cache_creation\":{\"ephemeral_5m_input_tokens\":40,\"e"
  "phemeral_1h_input_tokens\":50}}}" },
{ "by the hour", "deepseek", "deepseek-v4-pro",
  "openai-chat", "2026-08-16T12:00", 322567,
  "{\"object\":\"chat.completion\",\"choices\":[],\"usage\":{\"prompt_tokens\":1357,\"compl"
  "etion_tokens\":200,\"total_tokens\":1557,\"prompt_cache_hit_tokens\":1024,\"prompt_cache"
  "_miss_tokens\":333,\"completion_tokens_details\":{\"reasoning_tokens\":150}}}" },
{ "by the hour", "deepseek", "deepseek-v4-pro",
  "openai-chat", "2026-08-17T00:00", 638308,
  "{\"object\":\"chat.completion\",\"choices\":[],\"usage\":{\"prompt_tokens\":1357,\"compl"
  "etion_tokens\":200,\"total_tokens\":1557,\"prompt_cache_hit_tokens\":1024,\"prompt_cache"
  "_miss_tokens\":333,\"completion_tokens_details\":{\"reasoning_tokens\":150}}}" },
{ "by the hour", "deepseek", "deepseek-v4-pro",
  "openai-chat", "2026-11-28T00:59", 638308,
  "{\"object\":\"chat.completion\",\"choices\":[],\"usage\":{\"prompt_tokens\":1357,\"compl"
  "etion_tokens\":200,\"total_tokens\":1557,\"prompt_cache_hit_tokens\":1024,\"prompt_cache"
  "_miss_tokens\":333,\"completion_tokens_details\":{\"reasoning_tokens\":150}}}" },
{ "by the hour", "deepseek", "deepseek-v4-pro",
  "openai-chat", "2026-11-28T01:00", 1276616,
  "{\"object\":\"chat.completion\",\"choices\":[],\"usage\":{\"prompt_tokens\":1357,\"compl"
  "etion_tokens\":200,\"total_tokens\":1557,\"prompt_cache_hit_tokens\":1024,\"prompt_cache"
  "_miss_tokens\":333,\"completion_tokens_details\":{\"reasoning_tokens\":150}}}" },
{ "by the hour", "deepseek", "deepseek-v4-pro",
  "openai-chat", "2026-11-28T03:59", 1276616,
  "{\"object\":\"chat.completion\",\"choices\":[],\"usage\":{\"prompt_tokens\":1357,\"compl"
  "etion_tokens\":200,\"total_tokens\":1557,\"prompt_cache_hit_tokens\":1024,\"prompt_cache"
  "_miss_tokens\":333,\"completion_tokens_details\":{\"reasoning_tokens\":150}}}" },
{ "by the hour", "deepseek", "deepseek-v4-pro",
  "openai-chat", "2026-11-28T04:00", 638308,
  "{\"object\":\"chat.completion\",\"choices\":[],\"usage\":{\"prompt_tokens\":1357,\"compl"
  "etion_tokens\":200,\"total_tokens\":1557,\"prompt_cache_hit_tokens\":1024,\"prompt_cache"
  "_miss_tokens\":333,\"completion_tokens_details\":{\"reasoning_tokens\":150}}}" },
{ "by the hour", "deepseek", "deepseek-v4-pro",
  "openai-chat", "2026-11-28T06:00", 1276616,
  "{\"object\":\"chat.completion\",\"choices\":[],\"usage\":{\"prompt_tokens\":1357,\"compl"
  "etion_tokens\":200,\"total_tokens\":1557,\"prompt_cache_hit_tokens\":1024,\"prompt_cache"
  "_miss_tokens\":333,\"completion_tokens_details\":{\"reasoning_tokens\":150}}}" },
{ "by the hour", "deepseek", "deepseek-v4-pro",
  "openai-chat", "2026-11-28T10:00", 638308,
  "{\"object\":\"chat.completion\",\"choices\":[],\"usage\":{\"prompt_tokens\":1357,\"compl"
  "etion_tokens\":200,\"total_tokens\":1557,\"prompt_cache_hit_tokens\":1024,\"prompt_cache"
  "_miss_tokens\":333,\"completion_tokens_details\":{\"reasoning_tokens\":150}}}" },
{ "reasoning beside the completion", "xai", "grok-3",
  "openai-chat", "2026-11-28T12:00", 9045000,
  "{\"object\":\"chat.completion\",\"choices\":[],\"usage\":{\"prompt_tokens\":429,\"comple"
  "tion_tokens\":44,\"total_tokens\":975,\"prompt_tokens_details\":{\"cached_tokens\":192,\""
  "audio_tokens\":0},\"completion_tokens_details\":{\"reasoning_tokens\":502,\"audio_tokens"
  "\":0,\"accepted_prediction_tokens\":0,\"rejected_prediction_tokens\":0}}}" },
{ "reasoning beside the completion", "xai", "grok-3-mini",
  "openai-chat", "2026-11-28T12:00", 358500,
  "{\"object\":\"chat.completion\",\"choices\":[],\"usage\":{\"prompt_tokens\":429,\"comple"
  "tion_tokens\":44,\"total_tokens\":975,\"prompt_tokens_details\":{\"cached_tokens\":192,\""
  "audio_tokens\":0},\"completion_tokens_details\":{\"reasoning_tokens\":502,\"audio_tokens"
  "\":0,\"accepted_prediction_tokens\":0,\"rejected_prediction_tokens\":0}}}" },
{ "reasoning beside the completion", "xai", "grok-4-0709",
  "openai-chat", "2026-11-28T12:00", 9045000,
  "{\"object\":\"chat.completion\",\"choices\":[],\"usage\":{\"prompt_tokens\":429,\"comple"
  "tion_tokens\":44,\"total_tokens\":975,\"prompt_tokens_details\":{\"cached_tokens\":192,\""
  "audio_tokens\":0},\"completion_tokens_details\":{\"reasoning_tokens\":502,\"audio_tokens"
  "\":0,\"accepted_prediction_tokens\":0,\"rejected_prediction_tokens\":0}}}" },
{ "reasoning beside the completion", "xai", "grok-4-fast-reasoning",
  "openai-chat", "2026-11-28T12:00", 330000,
  "{\"object\":\"chat.completion\",\"choices\":[],\"usage\":{\"prompt_tokens\":429,\"comple"
  "tion_tokens\":44,\"total_tokens\":975,\"prompt_tokens_details\":{\"cached_tokens\":192,\""
  "audio_tokens\":0},\"completion_tokens_details\":{\"reasoning_tokens\":502,\"audio_tokens"
  "\":0,\"accepted_prediction_tokens\":0,\"rejected_prediction_tokens\":0}}}" },
{ "reasoning beside the completion", "xai", "grok-code-fast-1",
  "openai-chat", "2026-11-28T12:00", 870240,
  "{\"object\":\"chat.completion\",\"choices\":[],\"usage\":{\"prompt_tokens\":429,\"comple"
  "tion_tokens\":44,\"total_tokens\":975,\"prompt_tokens_details\":{\"cached_tokens\":192,\""
  "audio_tokens\":0},\"completion_tokens_details\":{\"reasoning_tokens\":502,\"audio_tokens"
  "\":0,\"accepted_prediction_tokens\":0,\"rejected_prediction_tokens\":0}}}" },
{ "tier at 199999", "xai", "grok-4.3",
  "openai-chat", "2026-11-28T12:00", 248986250,
  "{\"object\":\"chat.completion\",\"choices\":[],\"usage\":{\"prompt_tokens\":199999,\"com"
  "pletion_tokens\":10,\"total_tokens\":200014,\"prompt_tokens_details\":{\"cached_tokens\""
  ":1000,\"audio_tokens\":0},\"completion_tokens_details\":{\"reasoning_tokens\":5,\"audio_"
  "tokens\":0,\"accepted_prediction_tokens\":0,\"rejected_prediction_tokens\":0}}}" },
{ "tier at 200000", "xai", "grok-4.3",
  "openai-chat", "2026-11-28T12:00", 497975000,
  "{\"object\":\"chat.completion\",\"choices\":[],\"usage\":{\"prompt_tokens\":200000,\"com"
  "pletion_tokens\":10,\"total_tokens\":200015,\"prompt_tokens_details\":{\"cached_tokens\""
  ":1000,\"audio_tokens\":0},\"completion_tokens_details\":{\"reasoning_tokens\":5,\"audio_"
  "tokens\":0,\"accepted_prediction_tokens\":0,\"rejected_prediction_tokens\":0}}}" },
{ "a fee for each request", "perplexity", "sonar",
  "openai-chat", "2026-11-28T12:00", 5285000,
  "{\"object\":\"chat.completion\",\"choices\":[],\"usage\":{\"prompt_tokens\":26,\"complet"
  "ion_tokens\":259,\"total_tokens\":285,\"prompt_tokens_details\":{\"cached_tokens\":0,\"a"
  "udio_tokens\":0},\"completion_tokens_details\":{\"reasoning_tokens\":0,\"audio_tokens\":"
  "0,\"accepted_prediction_tokens\":0,\"rejected_prediction_tokens\":0}}}" },
{ "a fee for each request", "perplexity", "sonar-pro",
  "openai-chat", "2026-11-28T12:00", 9963000,
  "{\"object\":\"chat.completion\",\"choices\":[],\"usage\":{\"prompt_tokens\":26,\"complet"
  "ion_tokens\":259,\"total_tokens\":285,\"prompt_tokens_details\":{\"cached_tokens\":0,\"a"
  "udio_tokens\":0},\"completion_tokens_details\":{\"reasoning_tokens\":0,\"audio_tokens\":"
  "0,\"accepted_prediction_tokens\":0,\"rejected_prediction_tokens\":0}}}" },
{ "a fee for each request", "perplexity", "sonar-reasoning-pro",
  "openai-chat", "2026-11-28T12:00", 8124000,
  "{\"object\":\"chat.completion\",\"choices\":[],\"usage\":{\"prompt_tokens\":26,\"complet"
  "ion_tokens\":259,\"total_tokens\":285,\"prompt_tokens_details\":{\"cached_tokens\":0,\"a"
  "udio_tokens\":0},\"completion_tokens_details\":{\"reasoning_tokens\":0,\"audio_tokens\":"
  "0,\"accepted_prediction_tokens\":0,\"rejected_prediction_tokens\":0}}}" },
{ "Deep Research", "perplexity", "sonar-deep-research",
  "openai-chat", "2026-11-28T12:00", 623317000,
  "{\"choices\":[],\"usage\":{\"prompt_tokens\":33,\"completion_tokens\":7163,\"total_token"
  "s\":7196,\"citation_tokens\":20016,\"num_search_queries\":48,\"reasoning_tokens\":95305}"
  "}" },
{ "compatible", "mistral", "mistral-large-2512",
  "openai-chat", "2026-11-28T12:00", 1958700,
  "{\"object\":\"chat.completion\",\"choices\":[],\"usage\":{\"prompt_tokens\":3210,\"compl"
  "etion_tokens\":543,\"total_tokens\":3753,\"prompt_tokens_details\":{\"cached_tokens\":10"
  "24,\"audio_tokens\":0},\"completion_tokens_details\":{\"reasoning_tokens\":0,\"audio_tok"
  "ens\":0,\"accepted_prediction_tokens\":0,\"rejected_prediction_tokens\":0}}}" },
{ "compatible", "mistral", "mistral-small-2603",
  "openai-chat", "2026-11-28T12:00", 669060,
  "{\"object\":\"chat.completion\",\"choices\":[],\"usage\":{\"prompt_tokens\":3210,\"compl"
  "etion_tokens\":543,\"total_tokens\":3753,\"prompt_tokens_details\":{\"cached_tokens\":10"
  "24,\"audio_tokens\":0},\"completion_tokens_details\":{\"reasoning_tokens\":0,\"audio_tok"
  "ens\":0,\"accepted_prediction_tokens\":0,\"rejected_prediction_tokens\":0}}}" },
{ "compatible", "mistral", "codestral-2508",
  "openai-chat", "2026-11-28T12:00", 1175220,
  "{\"object\":\"chat.completion\",\"choices\":[],\"usage\":{\"prompt_tokens\":3210,\"compl"
  "etion_tokens\":543,\"total_tokens\":3753,\"prompt_tokens_details\":{\"cached_tokens\":10"
  "24,\"audio_tokens\":0},\"completion_tokens_details\":{\"reasoning_tokens\":0,\"audio_tok"
  "ens\":0,\"accepted_prediction_tokens\":0,\"rejected_prediction_tokens\":0}}}" },
{ "compatible", "mistral", "ministral-8b-2512",
  "openai-chat", "2026-11-28T12:00", 424710,
  "{\"object\":\"chat.completion\",\"choices\":[],\"usage\":{\"prompt_tokens\":3210,\"compl"
  "etion_tokens\":543,\"total_tokens\":3753,\"prompt_tokens_details\":{\"cached_tokens\":10"
  "24,\"audio_tokens\":0},\"completion_tokens_details\":{\"reasoning_tokens\":0,\"audio_tok"
  "ens\":0,\"accepted_prediction_tokens\":0,\"rejected_prediction_tokens\":0}}}" },
{ "compatible", "groq", "openai/gpt-oss-120b",
  "openai-chat", "2026-11-28T12:00", 730500,
  "{\"object\":\"chat.completion\",\"choices\":[],\"usage\":{\"prompt_tokens\":3210,\"compl"
  "etion_tokens\":543,\"total_tokens\":3753,\"prompt_tokens_details\":{\"cached_tokens\":10"
  "24,\"audio_tokens\":0},\"completion_tokens_details\":{\"reasoning_tokens\":0,\"audio_tok"
  "ens\":0,\"accepted_prediction_tokens\":0,\"rejected_prediction_tokens\":0}}}" },
{ "compatible", "groq", "openai/gpt-oss-20b",
  "openai-chat", "2026-11-28T12:00", 365250,
  "{\"object\":\"chat.completion\",\"choices\":[],\"usage\":{\"prompt_tokens\":3210,\"compl"
  "etion_tokens\":543,\"total_tokens\":3753,\"prompt_tokens_details\":{\"cached_tokens\":10"
  "24,\"audio_tokens\":0},\"completion_tokens_details\":{\"reasoning_tokens\":0,\"audio_tok"
  "ens\":0,\"accepted_prediction_tokens\":0,\"rejected_prediction_tokens\":0}}}" },
{ "compatible", "groq", "moonshotai/kimi-k2-instruct",
  "openai-chat", "2026-11-28T12:00", 4327000,
  "{\"object\":\"chat.completion\",\"choices\":[],\"usage\":{\"prompt_tokens\":3210,\"compl"
  "etion_tokens\":543,\"total_tokens\":3753,\"prompt_tokens_details\":{\"cached_tokens\":10"
  "24,\"audio_tokens\":0},\"completion_tokens_details\":{\"reasoning_tokens\":0,\"audio_tok"
  "ens\":0,\"accepted_prediction_tokens\":0,\"rejected_prediction_tokens\":0}}}" },
{ "compatible", "moonshot", "kimi-k2-thinking",
  "openai-chat", "2026-11-28T12:00", 2822700,
  "{\"object\":\"chat.completion\",\"choices\":[],\"usage\":{\"prompt_tokens\":3210,\"compl"
  "etion_tokens\":543,\"total_tokens\":3753,\"prompt_tokens_details\":{\"cached_tokens\":10"
  "24,\"audio_tokens\":0},\"completion_tokens_details\":{\"reasoning_tokens\":0,\"audio_tok"
  "ens\":0,\"accepted_prediction_tokens\":0,\"rejected_prediction_tokens\":0}}}" },
{ "compatible", "moonshot", "kimi-k2.5",
  "openai-chat", "2026-11-28T12:00", 3043000,
  "{\"object\":\"chat.completion\",\"choices\":[],\"usage\":{\"prompt_tokens\":3210,\"compl"
  "etion_tokens\":543,\"total_tokens\":3753,\"prompt_tokens_details\":{\"cached_tokens\":10"
  "24,\"audio_tokens\":0},\"completion_tokens_details\":{\"reasoning_tokens\":0,\"audio_tok"
  "ens\":0,\"accepted_prediction_tokens\":0,\"rejected_prediction_tokens\":0}}}" },
{ "compatible", "zhipu", "glm-4.7",
  "openai-chat", "2026-11-28T12:00", 1258585,
  "{\"object\":\"chat.completion\",\"choices\":[],\"usage\":{\"prompt_tokens\":3210,\"compl"
  "etion_tokens\":543,\"total_tokens\":3753,\"prompt_tokens_details\":{\"cached_tokens\":10"
  "24,\"audio_tokens\":0},\"completion_tokens_details\":{\"reasoning_tokens\":0,\"audio_tok"
  "ens\":0,\"accepted_prediction_tokens\":0,\"rejected_prediction_tokens\":0}}}" },
{ "compatible", "minimax", "MiniMax-M2",
  "openai-chat", "2026-11-28T12:00", 1338120,
  "{\"object\":\"chat.completion\",\"choices\":[],\"usage\":{\"prompt_tokens\":3210,\"compl"
  "etion_tokens\":543,\"total_tokens\":3753,\"prompt_tokens_details\":{\"cached_tokens\":10"
  "24,\"audio_tokens\":0},\"completion_tokens_details\":{\"reasoning_tokens\":0,\"audio_tok"
  "ens\":0,\"accepted_prediction_tokens\":0,\"rejected_prediction_tokens\":0}}}" },
{ "compatible", "fireworks", "accounts/fireworks/models/kimi-k2p5",
  "openai-chat", "2026-11-28T12:00", 3043000,
  "{\"object\":\"chat.completion\",\"choices\":[],\"usage\":{\"prompt_tokens\":3210,\"compl"
  "etion_tokens\":543,\"total_tokens\":3753,\"prompt_tokens_details\":{\"cached_tokens\":10"
  "24,\"audio_tokens\":0},\"completion_tokens_details\":{\"reasoning_tokens\":0,\"audio_tok"
  "ens\":0,\"accepted_prediction_tokens\":0,\"rejected_prediction_tokens\":0}}}" },
{ "compatible", "fireworks", "accounts/fireworks/models/gpt-oss-120b",
  "openai-chat", "2026-11-28T12:00", 668036,
  "{\"object\":\"chat.completion\",\"choices\":[],\"usage\":{\"prompt_tokens\":3210,\"compl"
  "etion_tokens\":543,\"total_tokens\":3753,\"prompt_tokens_details\":{\"cached_tokens\":10"
  "24,\"audio_tokens\":0},\"completion_tokens_details\":{\"reasoning_tokens\":0,\"audio_tok"
  "ens\":0,\"accepted_prediction_tokens\":0,\"rejected_prediction_tokens\":0}}}" },
{ "compatible", "openrouter", "openai/gpt-5.4",
  "openai-chat", "2026-11-28T12:00", 13866000,
  "{\"object\":\"chat.completion\",\"choices\":[],\"usage\":{\"prompt_tokens\":3210,\"compl"
  "etion_tokens\":543,\"total_tokens\":3753,\"prompt_tokens_details\":{\"cached_tokens\":10"
  "24,\"audio_tokens\":0},\"completion_tokens_details\":{\"reasoning_tokens\":0,\"audio_tok"
  "ens\":0,\"accepted_prediction_tokens\":0,\"rejected_prediction_tokens\":0}}}" },
{ "compatible", "openrouter", "google/gemini-2.5-flash",
  "openai-chat", "2026-11-28T12:00", 2090100,
  "{\"object\":\"chat.completion\",\"choices\":[],\"usage\":{\"prompt_tokens\":3210,\"compl"
  "etion_tokens\":543,\"total_tokens\":3753,\"prompt_tokens_details\":{\"cached_tokens\":10"
  "24,\"audio_tokens\":0},\"completion_tokens_details\":{\"reasoning_tokens\":0,\"audio_tok"
  "ens\":0,\"accepted_prediction_tokens\":0,\"rejected_prediction_tokens\":0}}}" },
{ "compatible", "groq", "llama-3.3-70b-versatile",
  "openai-chat", "2026-11-28T12:00", 1259200,
  "{\"object\":\"chat.completion\",\"choices\":[],\"usage\":{\"prompt_tokens\":1999,\"compl"
  "etion_tokens\":101,\"total_tokens\":2100,\"prompt_tokens_details\":{\"cached_tokens\":0,"
  "\"audio_tokens\":0},\"completion_tokens_details\":{\"reasoning_tokens\":0,\"audio_tokens"
  "\":0,\"accepted_prediction_tokens\":0,\"rejected_prediction_tokens\":0}}}" },
{ "compatible", "groq", "llama-3.1-8b-instant",
  "openai-chat", "2026-11-28T12:00", 108030,
  "{\"object\":\"chat.completion\",\"choices\":[],\"usage\":{\"prompt_tokens\":1999,\"compl"
  "etion_tokens\":101,\"total_tokens\":2100,\"prompt_tokens_details\":{\"cached_tokens\":0,"
  "\"audio_tokens\":0},\"completion_tokens_details\":{\"reasoning_tokens\":0,\"audio_tokens"
  "\":0,\"accepted_prediction_tokens\":0,\"rejected_prediction_tokens\":0}}}" },
{ "compatible", "cerebras", "gpt-oss-120b",
  "openai-chat", "2026-11-28T12:00", 775400,
  "{\"object\":\"chat.completion\",\"choices\":[],\"usage\":{\"prompt_tokens\":1999,\"compl"
  "etion_tokens\":101,\"total_tokens\":2100,\"prompt_tokens_details\":{\"cached_tokens\":0,"
  "\"audio_tokens\":0},\"completion_tokens_details\":{\"reasoning_tokens\":0,\"audio_tokens"
  "\":0,\"accepted_prediction_tokens\":0,\"rejected_prediction_tokens\":0}}}" },
{ "compatible", "cohere", "command-r-plus-08-2024",
  "openai-chat", "2026-11-28T12:00", 6007500,
  "{\"object\":\"chat.completion\",\"choices\":[],\"usage\":{\"prompt_tokens\":1999,\"compl"
  "etion_tokens\":101,\"total_tokens\":2100,\"prompt_tokens_details\":{\"cached_tokens\":0,"
  "\"audio_tokens\":0},\"completion_tokens_details\":{\"reasoning_tokens\":0,\"audio_tokens"
  "\":0,\"accepted_prediction_tokens\":0,\"rejected_prediction_tokens\":0}}}" },
{ "compatible", "cohere", "command-r7b-12-2024",
  "openai-chat", "2026-11-28T12:00", 90113,
  "{\"object\":\"chat.completion\",\"choices\":[],\"usage\":{\"prompt_tokens\":1999,\"compl"
  "etion_tokens\":101,\"total_tokens\":2100,\"prompt_tokens_details\":{\"cached_tokens\":0,"
  "\"audio_tokens\":0},\"completion_tokens_details\":{\"reasoning_tokens\":0,\"audio_tokens"
  "\":0,\"accepted_prediction_tokens\":0,\"rejected_prediction_tokens\":0}}}" },
{ "compatible", "nebius", "meta-llama/Llama-3.3-70B-Instruct",
  "openai-chat", "2026-11-28T12:00", 575500,
  "{\"object\":\"chat.completion\",\"choices\":[],\"usage\":{\"prompt_tokens\":1999,\"compl"
  "etion_tokens\":101,\"total_tokens\":2100,\"prompt_tokens_details\":{\"cached_tokens\":0,"
  "\"audio_tokens\":0},\"completion_tokens_details\":{\"reasoning_tokens\":0,\"audio_tokens"
  "\":0,\"accepted_prediction_tokens\":0,\"rejected_prediction_tokens\":0}}}" },
{ "compatible", "openrouter", "openai/gpt-4o",
  "openai-chat", "2026-11-28T12:00", 6007500,
  "{\"object\":\"chat.completion\",\"choices\":[],\"usage\":{\"prompt_tokens\":1999,\"compl"
  "etion_tokens\":101,\"total_tokens\":2100,\"prompt_tokens_details\":{\"cached_tokens\":0,"
  "\"audio_tokens\":0},\"completion_tokens_details\":{\"reasoning_tokens\":0,\"audio_tokens"
  "\":0,\"accepted_prediction_tokens\":0,\"rejected_prediction_tokens\":0}}}" },
{ "compatible", "openrouter", "openai/gpt-oss-20b:free",
  "openai-chat", "2026-11-28T12:00", 0,
  "{\"object\":\"chat.completion\",\"choices\":[],\"usage\":{\"prompt_tokens\":1999,\"compl"
  "etion_tokens\":101,\"total_tokens\":2100,\"prompt_tokens_details\":{\"cached_tokens\":0,"
  "\"audio_tokens\":0},\"completion_tokens_details\":{\"reasoning_tokens\":0,\"audio_tokens"
  "\":0,\"accepted_prediction_tokens\":0,\"rejected_prediction_tokens\":0}}}" },
{ "Moonshot's word for cached", "moonshot", "kimi-k2.6",
  "openai-chat", "2026-11-28T12:00", 383280,
  "{\"choices\":[],\"usage\":{\"prompt_tokens\":1000,\"completion_tokens\":10,\"total_token"
  "s\":1010,\"cached_tokens\":768}}" },
{ "Groq's place of the usage", "groq", "llama-3.3-70b-versatile",
  "openai-chat", "2026-11-28T12:00", 35030,
  "{\"choices\":[],\"x_groq\":{\"usage\":{\"prompt_tokens\":50,\"completion_tokens\":7,\"to"
  "tal_tokens\":57}}}" },
{ "embedding with a total only", "voyage", "voyage-3.5",
  "openai-embeddings", "2026-11-28T12:00", 600060,
  "{\"object\":\"list\",\"data\":[],\"usage\":{\"total_tokens\":10001}}" },
{ "embedding", "mistral", "mistral-embed",
  "openai-embeddings", "2026-11-28T12:00", 1234500,
  "{\"object\":\"list\",\"data\":[],\"usage\":{\"prompt_tokens\":12345,\"total_tokens\":123"
  "45}}" },
{ "tier of MiniMax", "minimax", "MiniMax-M3",
  "openai-chat", "2026-11-28T12:00", 67440600,
  "{\"object\":\"chat.completion\",\"choices\":[],\"usage\":{\"prompt_tokens\":512001,\"com"
  "pletion_tokens\":100,\"total_tokens\":512101,\"prompt_tokens_details\":{\"cached_tokens\""
  ":500000,\"audio_tokens\":0},\"completion_tokens_details\":{\"reasoning_tokens\":0,\"audi"
  "o_tokens\":0,\"accepted_prediction_tokens\":0,\"rejected_prediction_tokens\":0}}}" },
{ "a model of nobody", "openai", "gpt-99-made-up",
  "openai-chat", "2026-11-28T12:00", -1,
  "{\"object\":\"chat.completion\",\"choices\":[],\"usage\":{\"prompt_tokens\":10,\"complet"
  "ion_tokens\":10,\"total_tokens\":20,\"prompt_tokens_details\":{\"cached_tokens\":0,\"aud"
  "io_tokens\":0},\"completion_tokens_details\":{\"reasoning_tokens\":0,\"audio_tokens\":0,"
  "\"accepted_prediction_tokens\":0,\"rejected_prediction_tokens\":0}}}" },
{ "a provider without a list", "vllm-1", "llama-3.3-70b",
  "openai-chat", "2026-11-28T12:00", -1,
  "{\"object\":\"chat.completion\",\"choices\":[],\"usage\":{\"prompt_tokens\":10,\"complet"
  "ion_tokens\":10,\"total_tokens\":20,\"prompt_tokens_details\":{\"cached_tokens\":0,\"aud"
  "io_tokens\":0},\"completion_tokens_details\":{\"reasoning_tokens\":0,\"audio_tokens\":0,"
  "\"accepted_prediction_tokens\":0,\"rejected_prediction_tokens\":0}}}" },
{ "audio without a price", "openai", "gpt-4o-mini",
  "openai-chat", "2026-11-28T12:00", -1,
  "{\"object\":\"chat.completion\",\"choices\":[],\"usage\":{\"prompt_tokens\":10,\"complet"
  "ion_tokens\":10,\"total_tokens\":20,\"prompt_tokens_details\":{\"cached_tokens\":0,\"aud"
  "io_tokens\":5},\"completion_tokens_details\":{\"reasoning_tokens\":0,\"audio_tokens\":0,"
  "\"accepted_prediction_tokens\":0,\"rejected_prediction_tokens\":0}}}" },
{ "no usage", "openai", "gpt-4o",
  "openai-chat", "2026-11-28T12:00", -1,
  "{\"object\":\"chat.completion\",\"choices\":[]}" },
{ "a batch of nothing", "openai", "gpt-4o",
  "openai-chat", "2026-11-28T12:00", 0,
  "{\"object\":\"chat.completion\",\"choices\":[],\"usage\":{\"prompt_tokens\":0,\"completi"
  "on_tokens\":0,\"total_tokens\":0,\"prompt_tokens_details\":{\"cached_tokens\":0,\"audio_"
  "tokens\":0},\"completion_tokens_details\":{\"reasoning_tokens\":0,\"audio_tokens\":0,\"a"
  "ccepted_prediction_tokens\":0,\"rejected_prediction_tokens\":0}}}" },
