/** Failure codes of the feed of events; error.ts lists every code and checks these with the rest. */
export const FEED_ERRORS = {
  event_out_of_order: {
    status: 409,
    title: 'The event follows one that was not told yet.',
    remedy: 'Tell the events of an authorisation in their order, from the first that is missing.',
  },
  feed_wrong: {
    status: 502,
    title: "The registry's feed is not as it must be.",
    remedy:
      'Nothing of it was applied. Check that the gateway is connected to its own registry, then ask the operator.',
  },
  webhook_invalid: {
    status: 400,
    title: 'Webhooks cannot be delivered to that address.',
    remedy: 'Name an https address that is reachable publicly; the detail says what is wrong.',
  },
} as const;
