import { builder } from '../../graphql/builder.js';
import { batchedForViewer } from '../../graphql/loaders.js';
import { mutation, okField } from '../../graphql/mutation.js';
import { READ } from '../../graphql/price.js';
import { text } from '../../graphql/text.js';
import { Me, meField } from './schema.js';
import { acceptTerms, termsOf, type Terms as OfOperator } from './terms.js';

const hasAccepted = batchedForViewer<boolean>(async ({ db, viewer }, versions) => {
  const user = await db.prisma.user.findUnique({ where: { id: viewer.id }, select: { termsVersion: true } });
  return new Map(versions.map((version) => [version, user?.termsVersion === version]));
}, false);

const Terms = builder.objectRef<OfOperator>('Terms').implement({
  description: 'What the operator asks everyone to accept.',
  fields: (t) => ({
    version: t.exposeString('version', { description: 'Tells them from those before.' }),
    url: t.exposeString('url', { description: 'Where they can be read.' }),
    viewerHasAccepted: t.boolean({
      price: READ,
      description: 'Whether the viewer has accepted this version; false for anyone not signed in.',
      resolve: ({ version }, _args, context) => hasAccepted(context, version),
    }),
  }),
});

builder.queryField('terms', (t) =>
  t.field({
    type: Terms,
    nullable: true,
    description: 'The terms, for everyone to read; null where there are none to accept.',
    resolve: (_root, _args, { config }) => termsOf(config),
  }),
);

builder.prismaObjectFields(Me, (t) => ({
  termsVersion: t.exposeString('termsVersion', {
    nullable: true,
    description: 'The version of the terms that the viewer has accepted last.',
  }),
  termsAcceptedAt: t.expose('termsAcceptedAt', { type: 'DateTime', nullable: true, description: 'When that was.' }),
}));

mutation('acceptTerms', {
  description:
    'Accepts the present terms. Until then every mutation but this one, those that end sessions, `exportMyData` and `deleteMyAccount` is refused with TERMS_NOT_ACCEPTED. CONFLICT for another version than the present one.',
  access: 'signedIn',
  scope: 'SESSION',
  beforeTerms: true,
  repeats: 'never',
  audit: 'inside',
  input: {
    description: 'What is accepted.',
    fields: (t) => ({
      version: t.string({ required: true, check: text(1, 64), description: 'The version that was shown: `Terms.version`.' }),
    }),
  },
  run: async ({ version }, context) => {
    await acceptTerms(context, version);
    return { ok: true };
  },
  payload: { description: 'The viewer, who may go on.', fields: (t) => ({ ok: okField(t), me: meField(t) }) },
});
