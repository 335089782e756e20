import type { StoredFile } from '../../db/generated/prisma/client.js';
import { builder } from '../../graphql/builder.js';
import { linkTo, visibleFile } from './files.js';

export const File = builder.objectRef<StoredFile>('File').implement({
  description: 'A stored file, which is read by a link that ends.',
  fields: (t) => ({
    name: t.exposeString('name', { description: 'Its name.' }),
    mediaType: t.exposeString('mediaType', { description: 'Its media type, such as `application/zip`.' }),
    size: t.int({ description: 'How many bytes it has.', resolve: ({ size }) => Number(size) }),
    url: t.string({
      description:
        'Where it is read, until `urlExpiresAt`, by whoever has this link: a path of this server, or a URL of another one; resolve it against the URL of this endpoint.',
      resolve: (file, _args, context) => linkTo(context, file).url,
    }),
    urlExpiresAt: t.field({
      type: 'DateTime',
      description: 'When `url` ends. Asked again, the file has a new one.',
      resolve: (file, _args, context) => linkTo(context, file).expiresAt,
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was made.' }),
  }),
});

builder.nodeRef<StoredFile, string, typeof File>(File, {
  id: { resolve: ({ id }) => id, description: 'Its global id.' },
  loadWithoutCache: (id, context) => visibleFile(context, id),
});
