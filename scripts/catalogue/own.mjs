// SPDX-License-Identifier: Apache-2.0
// What the package does not say: which of our providers (src/provider) its sections belong to, prices by service, and
// corrections, each with its source.

// section of the package → names of our providers whose prices it holds. Sections that are not named here are left out.
export const names = {
  anthropic: ['anthropic', 'anthropic-openai'],
  aws: ['bedrock', 'bedrock-converse', 'bedrock-invoke', 'bedrock-mantle'],
  azure: ['azure', 'azure-openai', 'azure-openai-v1', 'azure-ai-inference', 'azure-anthropic'],
  baseten: ['baseten'],
  cerebras: ['cerebras'],
  cloudflare: ['cloudflare', 'cloudflare-workers-ai'],
  cohere: ['cohere', 'cohere-compat'],
  deepseek: ['deepseek'],
  fireworks: ['fireworks'],
  'github-copilot': ['github-copilot'],
  google: ['gemini', 'gemini-openai', 'vertex', 'vertex-gemini', 'vertex-openai', 'vertex-anthropic', 'google'],
  groq: ['groq'],
  // Hugging Face's router passes its providers' own prices on.
  huggingface_hyperbolic: ['hyperbolic'],
  huggingface_nebius: ['nebius'],
  huggingface_nscale: ['nscale'],
  huggingface_publicai: ['publicai'],
  huggingface_sambanova: ['sambanova'],
  minimax: ['minimax'],
  mistral: ['mistral', 'codestral'],
  moonshotai: ['moonshot'],
  novita: ['novita'],
  openai: ['openai'],
  openrouter: ['openrouter'],
  ovhcloud: ['ovhcloud'],
  perplexity: ['perplexity'],
  together: ['together'],
  voyageai: ['voyage'],
  'x-ai': ['xai'],
  zai: ['zai'],
  zhipuai: ['zhipu'],
};

// Sections tried after the named one, besides those that the package itself names.
export const fallbacks = { zai: ['zhipuai'] };

// Audio without a price of its own costs as text here: "text, image, video, audio" stand in one row of the price list
// (ai.google.dev/gemini-api/docs/pricing).
export const audio_as_text = new Set(['google']);

// Prices of whole providers by how they served the request, as factors of the standard price.
export const services = {
  // openai.com/api/pricing: Batch and Flex at half price.
  openai: { flex: 0.5, batch: 0.5 },
  azure: { batch: 0.5 },
  // platform.claude.com/docs/en/about-claude/pricing: Batch 50 %.
  anthropic: { batch: 0.5 },
  // ai.google.dev/gemini-api/docs/pricing: Batch and Flex 50 %, Priority 1.8 times.
  google: { flex: 0.5, batch: 0.5, priority: 1.8 },
};

// The same for single models. A number is a factor; an object a price of its own.
const priority = (input, cache_read, output) => ({ priority: { input, ...(cache_read ? { cache_read } : {}), output } });
export const model_services = {
  // openai.com/api-priority-processing
  openai: {
    'gpt-5.4-mini': priority(1.5, 0.15, 9),
    'gpt-5.4': priority(5, 0.5, 30),
    'gpt-5.2': priority(3.5, 0.35, 28),
    'gpt-5.1': priority(2.5, 0.25, 20),
    'gpt-5': priority(2.5, 0.25, 20),
    'gpt-5-mini': priority(0.45, 0.045, 3.6),
    'gpt-4.1': priority(3.5, 0.875, 14),
    'gpt-4.1-mini': priority(0.7, 0.175, 2.8),
    'gpt-4.1-nano': priority(0.2, 0.05, 0.8),
    'gpt-4o': priority(4.25, 2.125, 17),
    'gpt-4o-2024-05-13': priority(8.75, 0, 26.25),
    'gpt-4o-mini': priority(0.25, 0.125, 1),
    o3: priority(3.5, 0.875, 14),
    'o4-mini': priority(2, 0.5, 8),
  },
  // platform.claude.com/docs/en/build-with-claude/fast-mode; data residency (inference_geo "us") 1.1 times since 4.6.
  anthropic: {
    'claude-opus-4-6': { fast: 6, us: 1.1, us_fast: 6.6 },
    'claude-opus-4-7': { fast: 6, us: 1.1, us_fast: 6.6 },
    'claude-opus-4-8': { fast: 2, us: 1.1, us_fast: 2.2 },
    'claude-opus-5': { fast: 2, us: 1.1, us_fast: 2.2 },
    'claude-opus-5-5': { us: 1.1 },
    'claude-sonnet-4-6': { us: 1.1 },
    'claude-sonnet-5': { us: 1.1 },
    'claude-fable-5': { us: 1.1 },
    'claude-fable-5-1': { us: 1.1 },
  },
};

// Members that replace the package's, by section and model.
export const corrections = {
  // ai.google.dev/gemini-api/docs/pricing: Grounding with Google Search of Gemini 3 is paid by the query. (Before it, by the
  // prompt, which answers do not tell apart: unknown.)
  google: {
    'gemini-3-pro-preview': { web_searches_kcount: 14 },
    'gemini-3.1-pro-preview': { web_searches_kcount: 14 },
    'gemini-3-flash-preview': { web_searches_kcount: 14 },
  },
  // platform.openai.com/docs/pricing, audio tokens; the package has their text only.
  openai: {
    'gpt-4o-audio-preview': { input_audio_mtok: 40, output_audio_mtok: 80 },
    'gpt-4o-mini-audio-preview': { input_audio_mtok: 10, output_audio_mtok: 20 },
  },
  // The fee of a request depends on search_context_size. The package has the highest; a request that does not ask for
  // another is served as "low", which the provider's own answers show (usage.cost.request_cost).
  perplexity: {
    sonar: { requests_kcount: 5 },
    'sonar-pro': { requests_kcount: 6 },
    'sonar-reasoning': { requests_kcount: 5 },
    'sonar-reasoning-pro': { requests_kcount: 6 },
  },
};
