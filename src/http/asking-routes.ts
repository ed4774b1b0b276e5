/**
 * Asking borrowers through the gateway's API: the lender's app asks one and fetches what goes
 * out, officers run campaigns and read the funnel.
 *
 * What must stay true: a link leaves here to the app alone, and to nobody else.
 */

import { type TSchema, Type } from 'typebox';
import { askOne } from '../gateway/asking.ts';
import {
  type Campaign,
  campaignProgress,
  createCampaign,
  moveCampaign,
  PLAN,
  type Plan,
} from '../gateway/campaigns.ts';
import { funnel } from '../gateway/funnel.ts';
import type { Gateway } from '../gateway/gateway.ts';
import { readOutbox } from '../gateway/messages.ts';
import { advanceCampaign } from '../gateway/wave.ts';
import { LANGUAGES } from '../model/notice.ts';
import { ACCOUNT_KINDS } from '../model/record.ts';
import { UUID_PATTERN } from '../model/uuid.ts';
import type { Server } from './instance.ts';

const UUID = Type.String({
  pattern: UUID_PATTERN,
  description: 'UUID, lower case',
});
const PERIOD = Type.String({ pattern: '^[0-9]{4}-(0[1-9]|1[0-2])$', description: 'YYYY-MM' });
const MOMENT = Type.String({ format: 'date-time', description: 'ISO 8601 with an offset' });
const COUNT = Type.Integer();
const nullable = <T extends TSchema>(schema: T) => Type.Union([schema, Type.Null()]);

const REQUEST = Type.Object(
  {
    request_id: UUID,
    subject_ref: Type.String({ maxLength: 200, description: "the lender's number of the person" }),
    notice_id: Type.String({ maxLength: 100 }),
    language: Type.Enum([...LANGUAGES]),
    purposes: Type.Optional(
      Type.Array(Type.String({ maxLength: 10 }), { minItems: 1, maxItems: 10 }),
    ),
    products: Type.Optional(Type.Array(Type.Enum([...ACCOUNT_KINDS]), { minItems: 1 })),
    accounts: Type.Optional(
      Type.Array(Type.String({ pattern: '^[^;]{1,200}$' }), {
        minItems: 1,
        maxItems: 1000,
        uniqueItems: true,
      }),
    ),
    range_from: Type.Optional(PERIOD),
    range_to: Type.Optional(PERIOD),
    expires_at: Type.Optional(MOMENT),
    answer_by: Type.Optional(MOMENT),
    auth_level: Type.Optional(Type.Enum(['L1', 'L2', 'L3'])),
  },
  { additionalProperties: false },
);

const ASKED = Type.Object({
  request_id: UUID,
  link: Type.String({ description: 'for this person alone; whoever has it can answer' }),
  answer_by: MOMENT,
  authorisations: Type.Array(Type.Object({ authorisation_id: UUID, purpose: Type.String() })),
  result: Type.Enum(['asked', 'unchanged']),
});

/** Messages in one answer. */
const PAGE = 1_000;

function addAppRoutes(app: Server, gateway: Gateway, url: string): void {
  app.post(
    '/v1/requests',
    {
      config: { access: { roles: ['app'], scope: 'requests:write' } },
      schema: {
        summary: 'Ask one person; answers with a link. The same again gives the same link',
        body: REQUEST,
        response: { 200: ASKED },
      },
    },
    async (request) => {
      const { path, ...asked } = await askOne(gateway, request.body);
      return { ...asked, link: `${url}${path}`, authorisations: [...asked.authorisations] };
    },
  );
  app.get(
    '/v1/outbox',
    {
      config: { access: { roles: ['app'], scope: 'outbox:read' } },
      schema: {
        summary: 'Messages to send, after a position; the same position gives the same messages',
        querystring: Type.Object({
          after: Type.Optional(Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER })),
          limit: Type.Optional(Type.Integer({ minimum: 1, maximum: PAGE })),
        }),
        response: {
          200: Type.Object({
            messages: Type.Array(
              Type.Object({
                position: COUNT,
                message_id: Type.String(),
                subject_ref: Type.String(),
                kind: Type.Enum(['request', 'reminder']),
                path: Type.String(),
                language: Type.String(),
                due_at: MOMENT,
              }),
            ),
            next: Type.Integer({ description: 'send it as `after` once these are taken care of' }),
          }),
        },
      },
    },
    async (request) => readOutbox(gateway, request.query.after ?? 0, request.query.limit ?? PAGE),
  );
}

const CAMPAIGN = {
  campaign_id: UUID,
  name: Type.String(),
  state: Type.String(),
  plan: Type.Record(Type.String(), Type.Unknown()),
};
const shown = ({ campaign_id, name, state, plan }: Campaign) => ({
  campaign_id,
  name,
  state,
  plan: { ...plan },
});
const NAME = Type.Object({ name: Type.String({ maxLength: 100 }) });

function addCampaignRoutes(app: Server, gateway: Gateway): void {
  const writes = { access: { roles: ['app', 'officer'], scope: 'campaigns:write' } } as const;
  app.post(
    '/v1/campaigns',
    {
      config: writes,
      schema: {
        summary: 'Make a campaign, as a draft; the same again changes nothing',
        body: PLAN,
        response: { 200: Type.Object(CAMPAIGN) },
      },
    },
    async (request) => shown(await createCampaign(gateway, request.body as Plan)),
  );
  app.post(
    '/v1/campaigns/:name/state',
    {
      config: writes,
      schema: {
        summary: 'Start, pause or stop a campaign; a stop is for ever and acts at once',
        params: NAME,
        body: Type.Object(
          { step: Type.Enum(['start', 'pause', 'stop']) },
          { additionalProperties: false },
        ),
        response: { 200: Type.Object(CAMPAIGN) },
      },
    },
    async (request) => shown(await moveCampaign(gateway, request.params.name, request.body.step)),
  );
  app.post(
    '/v1/campaigns/:name/advance',
    {
      config: writes,
      schema: {
        summary: 'Ask the wave of the day and remind; what a scheduler calls, as often as it likes',
        params: NAME,
        response: {
          200: Type.Object({ outcome: Type.String(), asked: COUNT, reminded: COUNT }),
        },
      },
    },
    async (request) => advanceCampaign(gateway, request.params.name),
  );
  app.get(
    '/v1/campaigns',
    {
      config: { access: { roles: ['app', 'officer'], scope: 'campaigns:read' } },
      schema: {
        summary: 'Campaigns and how far each is',
        response: {
          200: Type.Object({
            campaigns: Type.Array(
              Type.Object({
                ...CAMPAIGN,
                chosen: COUNT,
                asked: COUNT,
                messages: Type.Object({ handed_out: COUNT, waiting: COUNT, dropped: COUNT }),
              }),
            ),
          }),
        },
      },
    },
    async () => {
      const campaigns = await campaignProgress(gateway.db, null);
      return { campaigns: campaigns.map((each) => ({ ...each, ...shown(each) })) };
    },
  );
}

function addFunnelRoute(app: Server, gateway: Gateway): void {
  app.get(
    '/v1/funnel',
    {
      config: { access: { roles: ['officer'], scope: 'coverage:read' } },
      schema: {
        summary: 'How many were asked, saw the page, and what they answered',
        response: {
          200: Type.Object({
            funnel: Type.Array(
              Type.Object({
                purpose: Type.String(),
                product: Type.String(),
                notice_id: Type.String(),
                notice_version: COUNT,
                campaign: nullable(Type.String()),
                asked: COUNT,
                shown: COUNT,
                given: COUNT,
                refused: COUNT,
                no_answer: COUNT,
                lapsed: COUNT,
                withdrawn: COUNT,
                invalidated: COUNT,
              }),
            ),
          }),
        },
      },
    },
    async () => ({ funnel: await funnel(gateway.db) }),
  );
}

/** Adds the routes for asking. @param url where people reach the gateway: links begin with it */
export function askingRoutes(gateway: Gateway, url: string): (app: Server) => void {
  return (app) => {
    addAppRoutes(app, gateway, url);
    addCampaignRoutes(app, gateway);
    addFunnelRoute(app, gateway);
  };
}
