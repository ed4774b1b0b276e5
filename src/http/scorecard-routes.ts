/**
 * Scorecards over HTTP: add, read, move on, and everybody scored.
 *
 * What must stay true: who moves a card says why; what a sample or a run tells is about nobody;
 * long work is done a few seconds at a time, so that a caller sees how far it is.
 */
import { Type } from 'typebox';
import { AssentError } from '../model/error.ts';
import { isDate } from '../model/period.ts';
import { UUID_PATTERN } from '../model/uuid.ts';
import { samplePart } from '../registry/development-sample.ts';
import type { Registry } from '../registry/registry.ts';
import {
  addScorecard,
  CARD_STATES,
  listScorecards,
  promoteScorecard,
  readScorecard,
  type Scorecard,
} from '../registry/scorecards.ts';
import { scoreEverybody } from '../registry/scoring-runs.ts';
import type { Server } from './instance.ts';

const CARD_BYTES = 8 * 1024 * 1024;
/** How long one call scores before it answers how far it is. */
const CALL_MS = 5_000;
export const DAY = Type.String({ pattern: '^\\d{4}-\\d{2}-\\d{2}$' });
const WHY = Type.String({ minLength: 3, maxLength: 2000 });
const UUID = Type.String({ pattern: UUID_PATTERN });
const NAME = Type.String({ pattern: '^[a-z0-9][a-z0-9-]{0,60}$' });
/** Which card: its name and version. */
export const CARD_PARAMS = Type.Object({
  scorecard_id: NAME,
  version: Type.Integer({ minimum: 1, maximum: 1_000_000 }),
});
const STATE = Type.Enum([...CARD_STATES]);
const SCORECARD = Type.Object({
  scorecard_id: NAME,
  version: Type.Integer(),
  kind: Type.Enum(['full', 'thin']),
  state: STATE,
  sha256: Type.String(),
  added_at: Type.String(),
  has_report: Type.Boolean(),
});
const CANARY = Type.Union([
  Type.Object({
    people: Type.Integer(),
    moved: Type.Integer(),
    most: Type.Integer(),
    is_blocked: Type.Boolean(),
  }),
  Type.Null(),
]);
const ANY = Type.Unsafe<Record<string, unknown>>(
  Type.Object({}, { additionalProperties: true, description: 'docs/EVALUATION.md' }),
);

const shown = ({
  scorecard_id,
  version,
  kind,
  state,
  sha256,
  added_at,
  has_report,
}: Scorecard) => ({
  ...{ scorecard_id, version, kind, state, sha256, has_report },
  added_at: added_at.toISOString(),
});

const writes = { access: { roles: ['operator'] as const, scope: 'scorecards:write' as const } };
const reads = {
  access: {
    roles: ['operator', 'auditor', 'supervisor'] as const,
    scope: 'scorecards:read' as const,
  },
};

/** @throws request_invalid: no day of the calendar */
export function dayOf(text: string): string {
  if (!isDate(text)) throw new AssentError('request_invalid', { detail: 'day is no day' });
  return text;
}

function addReading(app: Server, registry: Registry): void {
  app.get(
    '/v1/scorecards',
    {
      config: reads,
      schema: {
        summary: 'Every scorecard with its state',
        response: { 200: Type.Object({ scorecards: Type.Array(SCORECARD) }) },
      },
    },
    async () => ({ scorecards: (await listScorecards(registry)).map(shown) }),
  );
  app.get(
    '/v1/scorecards/:scorecard_id/:version',
    {
      config: reads,
      schema: {
        summary: 'One scorecard, who moved it when and why, and its validation report',
        params: CARD_PARAMS,
        response: {
          200: Type.Interface([SCORECARD], {
            card: ANY,
            validation_report: Type.Union([Type.String(), Type.Null()]),
            events: Type.Array(
              Type.Object({
                state: STATE,
                at: Type.String(),
                by_party: UUID,
                why: Type.String(),
                canary: CANARY,
              }),
            ),
          }),
        },
      },
    },
    async (request) => {
      const view = await readScorecard(registry, request.params);
      return {
        ...shown(view),
        card: view.card as unknown as Record<string, unknown>,
        validation_report: view.validation_report,
        events: view.events.map((event) => ({ ...event, at: event.at.toISOString() })),
      };
    },
  );
}

function addWriting(app: Server, registry: Registry): void {
  app.post(
    '/v1/scorecards',
    {
      config: writes,
      bodyLimit: CARD_BYTES,
      schema: {
        summary: 'Add a scorecard as a draft',
        body: Type.Object(
          {
            card: ANY,
            validation_report: Type.Union([Type.String(), Type.Null()]),
            why: WHY,
          },
          { additionalProperties: false },
        ),
        response: { 200: SCORECARD },
      },
    },
    async (request) => {
      const { card, validation_report, why } = request.body;
      const by = { party: request.caller.participant_id, why };
      return shown(await addScorecard(registry, card, validation_report, by));
    },
  );
  app.post(
    '/v1/scorecards/:scorecard_id/:version/state',
    {
      config: writes,
      schema: {
        summary: 'Move a scorecard on: draft, shadow, active, retired',
        params: CARD_PARAMS,
        body: Type.Object(
          { to: STATE, why: WHY, sign_off: Type.Optional(Type.Boolean()) },
          { additionalProperties: false },
        ),
        response: { 200: Type.Object({ scorecard: SCORECARD, canary: CANARY }) },
      },
    },
    async (request) => {
      const { to, why, sign_off } = request.body;
      const { scorecard, canary } = await promoteScorecard(registry, {
        ...request.params,
        to,
        by: { party: request.caller.participant_id, why },
        sign_off: sign_off ?? false,
      });
      return { scorecard: shown(scorecard), canary };
    },
  );
}

function addRuns(app: Server, registry: Registry): void {
  app.get(
    '/v1/development-sample',
    {
      config: writes,
      schema: {
        summary:
          'What was known of people on a day and whether they turned bad in a year, by parts',
        querystring: Type.Object({
          day: DAY,
          part: Type.Optional(Type.Integer({ minimum: 0, default: 0 })),
          parts: Type.Optional(
            Type.Integer({ minimum: 1, maximum: 65_536, description: 'as part 0 answered' }),
          ),
        }),
        response: {
          200: Type.Object({
            part: Type.Integer(),
            parts: Type.Integer(),
            csv: Type.String({ description: 'part 0 begins with the header' }),
            good: Type.Integer(),
            bad: Type.Integer(),
            left_out: Type.Object({
              doubtful: Type.Integer(),
              hardly_seen: Type.Integer(),
              disputed: Type.Integer(),
            }),
          }),
        },
      },
    },
    async (request) => {
      const { day, part, parts } = request.query;
      return samplePart(registry, dayOf(day), { part: part ?? 0, parts: parts ?? null });
    },
  );
  app.post(
    '/v1/scoring-runs',
    {
      config: writes,
      schema: {
        summary: 'Score everybody by a card as of a day: begins, or goes on for some seconds',
        body: Type.Object({ ...CARD_PARAMS.properties, day: DAY }, { additionalProperties: false }),
        response: {
          200: Type.Object({
            run_id: UUID,
            day: Type.String(),
            people: Type.Integer(),
            ranges: Type.Integer(),
            ranges_done: Type.Integer(),
            is_done: Type.Boolean(),
          }),
        },
      },
    },
    async (request) => {
      const { day, ...name } = request.body;
      const { card } = await readScorecard(registry, name);
      const until = performance.now() + CALL_MS;
      const run = await scoreEverybody(registry, card, dayOf(day), {
        goesOn: () => performance.now() < until,
      });
      const { run_id, people, ranges, ranges_done, ended_at } = run;
      return { run_id, day: run.day, people, ranges, ranges_done, is_done: ended_at !== null };
    },
  );
}

/** Adds the routes of scorecards to the registry's server. */
export function scorecardRoutes(registry: Registry): (app: Server) => void {
  return (app) => {
    addReading(app, registry);
    addWriting(app, registry);
    addRuns(app, registry);
  };
}
