import { readdirSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';

/**
 * What a process remembers belongs to its services, what an operation has loaded to its context: several apps run in one process, and a module is
 * there once for all of them. What a module keeps all the same is listed here, with the reason.
 */
const KEPT: Readonly<Record<string, string>> = {
  'graphql/heads.ts known': 'what a document asks for, as long as the document is kept: it follows from its text',
  'graphql/node-selection.ts known': 'what lists select, by the places of documents, with which it goes',
  'access/password-strength/estimate.ts zxcvbn':
    'the dictionaries, in a thread that has nothing else; it keeps nothing of what it is asked',
  'access/passwords.ts limited':
    'the threads and the memory that hashing takes are those of the process, whatever the number of apps in it',
  'cli/main.ts program': 'the command that the process is',
  'markdown/destinations.ts parser': 'the rules of the parser: what it finds in a text stands in the environment of that text',
  'markdown/first-heading.ts parser': 'the same',
  'graphql/builder.ts builder': 'the schema is declared once, by the modules that are its parts',
};

const ROOT = resolve(import.meta.dirname, '../../src');

/** What is made of these does not change, or is found when it is changed. */
const PLAIN = new Set(['Set', 'Map', 'URL', 'RegExp', 'Error', 'TextEncoder', 'TextDecoder']);
/** By its name a function whose result keeps something. */
const MAKES = /^(create|open|start)[A-Z]/;
const CHANGES = /^(set|add|delete|clear|push|pop|shift|unshift|splice|sort|reverse|fill)$/;

const unwrapped = (node: ts.Expression): ts.Expression =>
  ts.isAsExpression(node) || ts.isSatisfiesExpression(node) || ts.isParenthesizedExpression(node) ? unwrapped(node.expression) : node;

/** Whether a value keeps something by the way it is made. */
const keeps = (initializer: ts.Expression | undefined): boolean => {
  if (initializer === undefined) return false;
  const made = unwrapped(initializer);
  if (ts.isNewExpression(made)) return !PLAIN.has(made.expression.getText());
  if (!ts.isCallExpression(made)) return false;
  const callee = unwrapped(made.expression);
  if (ts.isPropertyAccessExpression(callee)) return keeps(callee.expression);
  return ts.isIdentifier(callee) ? MAKES.test(callee.text) : ts.isArrowFunction(callee) || ts.isFunctionExpression(callee);
};

/** `x` of `x`, `x.a` and `x[0].b`. */
const rootOf = (node: ts.Expression): string | null => {
  if (ts.isIdentifier(node)) return node.text;
  return ts.isPropertyAccessExpression(node) || ts.isElementAccessExpression(node) ? rootOf(node.expression) : null;
};

/** The name of what a node changes the inside of. */
const changedBy = (node: ts.Node): string | null => {
  const inside = (target: ts.Expression): string | null => (ts.isIdentifier(target) ? null : rootOf(target));
  if (ts.isBinaryExpression(node)) {
    const { kind } = node.operatorToken;
    return kind >= ts.SyntaxKind.FirstAssignment && kind <= ts.SyntaxKind.LastAssignment ? inside(node.left) : null;
  }
  if (ts.isDeleteExpression(node)) return inside(node.expression);
  if (ts.isPrefixUnaryExpression(node) || ts.isPostfixUnaryExpression(node)) {
    const { operator } = node;
    return operator === ts.SyntaxKind.PlusPlusToken || operator === ts.SyntaxKind.MinusMinusToken ? inside(node.operand) : null;
  }
  if (!ts.isCallExpression(node) || !ts.isPropertyAccessExpression(node.expression)) return null;
  const { expression, name } = node.expression;
  if (expression.getText() !== 'Object') return CHANGES.test(name.text) ? rootOf(expression) : null;
  const [target] = node.arguments;
  return target && /^(assign|define|setPrototypeOf)/.test(name.text) ? rootOf(target) : null;
};

/** The names of what a module keeps, and of what it changes of other modules of ours. */
const stateOf = (source: string): string[] => {
  const file = ts.createSourceFile('source.ts', source, ts.ScriptTarget.Latest, true);
  const declared = new Set<string>();
  const found = new Set<string>();
  for (const statement of file.statements) {
    if (ts.isImportDeclaration(statement) && statement.moduleSpecifier.getText().startsWith("'.")) {
      const { namedBindings } = statement.importClause ?? {};
      if (namedBindings && ts.isNamedImports(namedBindings)) for (const { name } of namedBindings.elements) declared.add(name.text);
    }
    if (ts.isClassDeclaration(statement)) {
      for (const member of statement.members) {
        const isStatic = ts.canHaveModifiers(member) && ts.getModifiers(member)?.some(({ kind }) => kind === ts.SyntaxKind.StaticKeyword);
        if (ts.isPropertyDeclaration(member) && isStatic) found.add(`${statement.name?.text ?? ''}.${member.name.getText()}`);
      }
    }
    if (!ts.isVariableStatement(statement)) continue;
    const isConstant = (statement.declarationList.flags & ts.NodeFlags.Const) !== 0;
    for (const { name, initializer } of statement.declarationList.declarations) {
      if (!ts.isIdentifier(name)) continue;
      declared.add(name.text);
      if (!isConstant || keeps(initializer)) found.add(name.text);
    }
  }
  const visit = (node: ts.Node): void => {
    const changed = changedBy(node);
    if (changed !== null && declared.has(changed)) found.add(changed);
    ts.forEachChild(node, visit);
  };
  visit(file);
  return [...found];
};

describe('a module', () => {
  const kept = readdirSync(ROOT, { recursive: true, encoding: 'utf8' })
    .map((file) => file.replaceAll('\\', '/'))
    .filter((file) => file.endsWith('.ts') && !file.includes('generated/'))
    .flatMap((file) => stateOf(readFileSync(resolve(ROOT, file), 'utf8')).map((name) => `${file} ${name}`));

  it('keeps nothing but what is listed with its reason, and the list has nothing else', () => {
    expect(kept.sort()).toEqual(Object.keys(KEPT).sort());
  });

  it.each([
    'let count = 0;',
    'export const known = new WeakMap<object, string>();',
    'const kept = new Map<string, string>(); export const keep = (key: string) => kept.set(key, key);',
    'const seen: Record<string, true> = {}; const see = (key: string) => { seen[key] = true; };',
    'const list: string[] = []; const add = () => list.push("a");',
    'const total = { count: 0 }; const add = () => { total.count += 1; };',
    'const limited = createLimiter(1);',
    'const program = new Command("a").description("b");',
    'const next = (() => { let last = 0; return () => (last += 1); })();',
    "import { known } from './known.js'; known.add('a');",
    'class Hub { static readonly all = []; }',
  ])('keeps something by %s', (source) => {
    expect(stateOf(source)).toHaveLength(1);
  });

  it.each([
    'const STATES = new Set(["a"]); const has = (state: string) => STATES.has(state);',
    'const make = () => { const kept = new Map(); kept.set("a", "b"); return kept; };',
    'const sorted = [1, 2].sort();',
    'const PATTERN = /a/;',
    "import { known } from 'elsewhere'; Object.assign(known.prototype, {});",
  ])('keeps nothing by %s', (source) => {
    expect(stateOf(source)).toEqual([]);
  });
});
