import { graphql } from '../../gql/gql.js';

export const InvitationRow = graphql(`
  fragment InvitationRow on Invitation {
    id
    note
    maxUses
    useCount
    isOpen
    createdAt
    expiresAt
    revokedAt
    createdBy {
      id
      username
      displayName
    }
  }
`);

export const Invitations = graphql(`
  query Invitations($after: String) {
    registration {
      mode
      viewerCanInvite
    }
    invitations(first: 30, after: $after) {
      nodes {
        id
        ...InvitationRow
      }
      pageInfo {
        hasNextPage
        endCursor
      }
    }
  }
`);

export const CreateInvitation = graphql(`
  mutation CreateInvitation($input: CreateInvitationInput!) {
    createInvitation(input: $input) {
      url
      invitation {
        id
        ...InvitationRow
      }
    }
  }
`);

export const RevokeInvitation = graphql(`
  mutation RevokeInvitation($id: ID!) {
    revokeInvitation(input: { invitationId: $id }) {
      invitation {
        id
        ...InvitationRow
      }
    }
  }
`);

export const operations = [Invitations, CreateInvitation, RevokeInvitation] as const;
