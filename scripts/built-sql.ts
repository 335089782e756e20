/** An entry of ESLint's `no-restricted-syntax`. */
interface Restriction {
  readonly selector: string;
  readonly message: string;
}

const message =
  'SQL is written and not put together: values are parameters (`Prisma.sql`, `$1`). Where a name must stand in the text, an exception says why it is harmless.';

/** How a text begins that is a statement. */
const STATEMENT = String.raw`/^\s*(?:SELECT|INSERT INTO|UPDATE|DELETE FROM|MERGE INTO|WITH|CREATE|ALTER|DROP|TRUNCATE|LOCK|GRANT|REVOKE|COPY|LISTEN|NOTIFY|SET|RESET|REASSIGN|CALL|DO|EXPLAIN|VACUUM|BEGIN|COMMIT|ROLLBACK|SAVEPOINT)(?:\s|$)/`;

/** What makes one text of several. */
const TEMPLATE = 'TemplateLiteral[expressions.length>0]';
const SUM = 'BinaryExpression[operator="+"]';
const JOINED = 'CallExpression[callee.property.name=/^(?:join|concat|replace|replaceAll)$/]';
const PUT_TOGETHER = `:matches(${TEMPLATE}, ${SUM}, ${JOINED})`;

const SENT = 'CallExpression[callee.property.name=/^(?:query|[$](?:query|execute)Raw)$/]';

/** Every form in which SQL is put together out of texts, whatever is done with it then. */
export const builtSql: readonly Restriction[] = [
  // What takes a text as it is.
  'MemberExpression[property.name=/^[$](?:query|execute)RawUnsafe$/]',
  'MemberExpression[property.value=/^[$](?:query|execute)RawUnsafe$/]',
  'CallExpression[callee.object.name="Prisma"][callee.property.name=/^(?:raw|sql)$/]',
  'NewExpression:matches([callee.name="Sql"], [callee.property.name="Sql"])',
  'ImportSpecifier[imported.name="raw"]',
  // What is sent.
  `${SENT} > ${PUT_TOGETHER}.arguments:first-child`,
  `${SENT} > ObjectExpression > Property[key.name="text"] > ${PUT_TOGETHER}.value`,
  // What looks like a statement, wherever it goes.
  `:not(TaggedTemplateExpression) > ${TEMPLATE}[quasis.0.value.raw=${STATEMENT}]`,
  `${SUM}:matches([left.value=${STATEMENT}], [left.quasis.0.value.raw=${STATEMENT}])`,
  `CallExpression[callee.property.name=/^(?:join|concat)$/]:matches([callee.object.value=${STATEMENT}], [callee.object.elements.0.value=${STATEMENT}])`,
  'AssignmentExpression[operator="+="][left.name=/sql|statement/i]',
].map((selector) => ({ selector, message }));
