/**
 * Follows a recipe: from the columns of a table to its characteristics.
 *
 * What must stay true: a step sees its own row alone, so a characteristic of one person is the
 * same at the fit and at a later score, whoever else is in the file; no step sees the target.
 */
import { Errors } from 'typebox/value';
import { AssentError } from '../model/error.ts';
import { RECIPE_FILE, type Recipe, type RecipeFile, type RecipeStep } from './recipe-schema.ts';
import type { CategoryColumn, Column, NumberColumn } from './table.ts';

/** @throws recipe_invalid, with up to five places */
export function parseRecipe(document: unknown): RecipeFile {
  const problems = Errors(RECIPE_FILE, document).map(
    (error) => `${error.instancePath || '/'}: ${error.message}`,
  );
  if (problems.length > 0)
    throw new AssentError('recipe_invalid', {
      detail: [...new Set(problems)].slice(0, 5).join('; '),
    });
  return document as RecipeFile;
}

function wrong(step: RecipeStep, detail: string): never {
  throw new AssentError('recipe_invalid', { detail: `step ${step.name}: ${detail}` });
}

/** The columns as numbers of one scale. */
interface Inputs {
  readonly decimals: number;
  readonly rows: number;
  /** Unit of the common scale for one of each column. */
  readonly factors: readonly number[];
  readonly values: readonly Float64Array[];
}

function inputsOf(step: RecipeStep, names: readonly string[], columns: readonly Column[]): Inputs {
  const found = names.map((name): NumberColumn => {
    const column = columns.find((each) => each.name === name);
    if (!column) return wrong(step, `there is no column ${name} before it`);
    return column.kind === 'number' ? column : wrong(step, `${name} holds no numbers`);
  });
  const decimals = Math.max(...found.map((column) => column.decimals));
  return {
    decimals,
    rows: found[0]?.values.length ?? 0,
    factors: found.map((column) => 10 ** (decimals - column.decimals)),
    values: found.map((column) => column.values),
  };
}

/** A cell of a step: what it makes of the values of one row; NaN is missing. */
type Make = (row: Float64Array) => number;

function figureOf(make: 'max' | 'min' | 'sum' | 'mean' | 'range'): Make {
  return (row) => {
    let most = -Infinity;
    let least = Infinity;
    let sum = 0;
    let known = 0;
    for (const value of row) {
      if (Number.isNaN(value)) continue;
      most = Math.max(most, value);
      least = Math.min(least, value);
      sum += value;
      known += 1;
    }
    if (known === 0) return Number.NaN;
    return { max: most, min: least, sum, mean: Math.trunc(sum / known), range: most - least }[make];
  };
}

function trendOf(times: number): Make {
  return (row) => {
    const n = row.length;
    const middle = (n - 1) / 2;
    let above = 0;
    let below = 0;
    for (let at = 0; at < n; at += 1) {
      const distance = middle - at; // Newest first.
      above += distance * (row[at] as number);
      below += distance * distance;
    }
    return below === 0 ? Number.NaN : Math.trunc((times * above) / below);
  };
}

function countOf(row: Float64Array, holds: (value: number) => boolean): number {
  let count = 0;
  for (const value of row) if (holds(value)) count += 1; // NaN holds to no comparison.
  return count;
}

const firstOf = (threshold: number): Make => {
  return (row) => {
    const at = row.findIndex((value) => value >= threshold);
    return at < 0 ? row.length : at;
  };
};

const ratioOf = (times: number): Make => {
  return ([of = Number.NaN, per = Number.NaN]) =>
    per > 0 ? Math.trunc((of * times) / per) : Number.NaN;
};

/** Applies `make` to every row of the inputs. */
function numbers(step: RecipeStep, inputs: Inputs, decimals: number, make: Make): NumberColumn {
  const values = new Float64Array(inputs.rows);
  const row = new Float64Array(inputs.values.length);
  for (let at = 0; at < inputs.rows; at += 1) {
    for (let of = 0; of < row.length; of += 1)
      row[of] =
        ((inputs.values[of] as Float64Array)[at] as number) * (inputs.factors[of] as number);
    const value = make(row);
    values[at] = Number.isSafeInteger(value) ? value + 0 : Number.NaN;
  }
  return { kind: 'number', name: step.name, decimals, values };
}

function combined(
  step: Extract<RecipeStep, { make: 'combine' }>,
  columns: readonly Column[],
): CategoryColumn {
  const inputs = step.of.map(({ column }) => inputsOf(step, [column], columns));
  const rows = inputs[0]?.rows ?? 0;
  const ends = step.of.map((part, at) =>
    part.ends.map((end) => end * 10 ** (inputs[at]?.decimals ?? 0)),
  );
  const labels = new Map<string, number>();
  const codes = new Int32Array(rows);
  for (let row = 0; row < rows; row += 1) {
    const label = inputs
      .map(({ values }, at) => {
        const value = values[0]?.[row] ?? Number.NaN;
        if (Number.isNaN(value)) return '-';
        const bounds = ends[at] ?? [];
        const band = bounds.findIndex((end) => value <= end);
        return band < 0 ? bounds.length : band;
      })
      .join('|');
    const code = labels.get(label) ?? labels.size;
    labels.set(label, code);
    codes[row] = code;
  }
  return { kind: 'category', name: step.name, labels: [...labels.keys()], codes };
}

/** The columns that a step reads. */
function readBy(step: RecipeStep): readonly string[] {
  switch (step.make) {
    case 'combine':
      return step.of.map(({ column }) => column);
    case 'ratio':
      return [step.of, step.per];
    case 'difference':
      return [step.of, step.less];
    case 'clamp':
      return [step.of];
    default:
      return step.of;
  }
}

/** The columns of the table that some names come from, by way of the steps they need. */
export function columnsBehind(recipe: Recipe, names: readonly string[]): Set<string> {
  const steps = new Map(recipe.steps.map((step) => [step.name, step]));
  const found = new Set<string>();
  const look = (name: string): void => {
    const step = steps.get(name);
    if (step) readBy(step).forEach(look);
    else found.add(name);
  };
  names.forEach(look);
  return found;
}

/** The recipe without the steps that none of the names needs. */
export function neededSteps(recipe: Recipe, names: readonly string[]): Recipe {
  const steps = new Map(recipe.steps.map((step) => [step.name, step]));
  const needed = new Set<string>();
  const look = (name: string): void => {
    const step = steps.get(name);
    if (!step) return;
    needed.add(name);
    readBy(step).forEach(look);
  };
  names.forEach(look);
  return { steps: recipe.steps.filter(({ name }) => needed.has(name)), drop: [] };
}

function follow(step: RecipeStep, columns: readonly Column[]): Column {
  if (columns.some(({ name }) => name === step.name)) wrong(step, 'the name is taken');
  if (step.make === 'combine') return combined(step, columns);
  const inputs = inputsOf(step, readBy(step), columns);
  const { decimals } = inputs;
  const unit = 10 ** decimals;
  switch (step.make) {
    case 'count_at_least':
      return numbers(step, inputs, 0, (row) => countOf(row, (v) => v >= step.threshold * unit));
    case 'count_at_most':
      return numbers(step, inputs, 0, (row) => countOf(row, (v) => v <= step.threshold * unit));
    case 'first_at_least':
      return numbers(step, inputs, 0, firstOf(step.threshold * unit));
    case 'ratio':
      return numbers(step, inputs, 0, ratioOf(step.times));
    case 'trend':
      return numbers(step, inputs, decimals, trendOf(step.times));
    case 'difference':
      return numbers(step, inputs, decimals, ([a = 0, b = 0]) => a - b);
    case 'clamp':
      return numbers(step, inputs, decimals, ([v = 0]) =>
        Math.max(step.least * unit, Math.min(step.most * unit, v)),
      );
    default:
      return numbers(step, inputs, decimals, figureOf(step.make));
  }
}

/** All columns that are left after the recipe, those of its steps last. @throws recipe_invalid */
export function followRecipe(recipe: Recipe, columns: readonly Column[]): Column[] {
  const all = [...columns];
  for (const step of recipe.steps) all.push(follow(step, all));
  const unknown = recipe.drop.find((name) => !all.some((column) => column.name === name));
  if (unknown !== undefined)
    throw new AssentError('recipe_invalid', { detail: `drop: there is no column ${unknown}` });
  return all.filter(({ name }) => !recipe.drop.includes(name));
}
