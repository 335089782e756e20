import { graphql } from '../../gql/gql.js';

export const ReadPerson = graphql(`
  query ReadPerson($username: String!) {
    user(by: { username: $username }) {
      id
      username
      displayName
      isDeleted
      bio
      status
      role
      createdAt
      followerCount
      followingCount
      viewerFollows
      viewerBlocks
      presence {
        id
        status
        lastSeenAt
      }
    }
  }
`);

export const PersonPosts = graphql(`
  query PersonPosts($id: ID!, $first: Int!, $after: String) {
    user(by: { id: $id }) {
      id
      posts(first: $first, after: $after) {
        nodes {
          id
          ...PostCard
        }
        pageInfo {
          hasNextPage
          endCursor
        }
      }
    }
  }
`);

export const PersonEntries = graphql(`
  query PersonEntries($id: ID!, $first: Int!, $after: String) {
    user(by: { id: $id }) {
      id
      entries(first: $first, after: $after) {
        nodes {
          id
          slug
          title
          updatedAt
        }
        pageInfo {
          hasNextPage
          endCursor
        }
      }
    }
  }
`);

export const PersonFollowers = graphql(`
  query PersonFollowers($id: ID!, $first: Int!, $after: String) {
    user(by: { id: $id }) {
      id
      followers(first: $first, after: $after) {
        nodes {
          id
          ...PersonLine
        }
        pageInfo {
          hasNextPage
          endCursor
        }
      }
    }
  }
`);

export const PersonFollowing = graphql(`
  query PersonFollowing($id: ID!, $first: Int!, $after: String) {
    user(by: { id: $id }) {
      id
      following(first: $first, after: $after) {
        nodes {
          id
          ...PersonLine
        }
        pageInfo {
          hasNextPage
          endCursor
        }
      }
    }
  }
`);

export const FollowPerson = graphql(`
  mutation FollowPerson($userId: ID!) {
    followUser(input: { userId: $userId }) {
      user {
        id
        followerCount
        viewerFollows
      }
    }
  }
`);

export const UnfollowPerson = graphql(`
  mutation UnfollowPerson($userId: ID!) {
    unfollowUser(input: { userId: $userId }) {
      user {
        id
        followerCount
        viewerFollows
      }
    }
  }
`);

export const BlockPerson = graphql(`
  mutation BlockPerson($userId: ID!) {
    blockUser(input: { userId: $userId }) {
      user {
        id
        followerCount
        followingCount
        viewerFollows
        viewerBlocks
      }
    }
  }
`);

export const UnblockPerson = graphql(`
  mutation UnblockPerson($userId: ID!) {
    unblockUser(input: { userId: $userId }) {
      user {
        id
        viewerBlocks
      }
    }
  }
`);

export const EditProfile = graphql(`
  mutation EditProfile($input: UpdateProfileInput!) {
    updateProfile(input: $input) {
      user {
        id
        displayName
        bio
        status
      }
    }
  }
`);

/** What administrators see of an account, and do with it. */
export const Administered = graphql(`
  fragment Administered on User {
    id
    role
    suspension {
      at
      until
      reason
    }
  }
`);

export const ReadAdministered = graphql(`
  query ReadAdministered($id: ID!) {
    user(by: { id: $id }) {
      id
      ...Administered
    }
  }
`);

export const GiveRole = graphql(`
  mutation GiveRole($userId: ID!, $role: Role!) {
    setUserRole(input: { userId: $userId, role: $role }) {
      user {
        id
        ...Administered
      }
    }
  }
`);

export const SuspendPerson = graphql(`
  mutation SuspendPerson($userId: ID!, $until: DateTime, $reason: String) {
    suspendUser(input: { userId: $userId, until: $until, reason: $reason }) {
      user {
        id
        ...Administered
      }
    }
  }
`);

export const UnlockPerson = graphql(`
  mutation UnlockPerson($userId: ID!) {
    unlockUser(input: { userId: $userId }) {
      user {
        id
        ...Administered
      }
    }
  }
`);

export const RemoveSecondFactor = graphql(`
  mutation RemoveSecondFactor($userId: ID!) {
    removeSecondFactor(input: { userId: $userId }) {
      user {
        id
      }
    }
  }
`);

export const DisconnectPerson = graphql(`
  mutation DisconnectPerson($userId: ID!, $sessionId: ID) {
    disconnectUser(input: { userId: $userId, sessionId: $sessionId }) {
      endedCount
    }
  }
`);

export const PersonConnections = graphql(`
  query PersonConnections($userId: ID!) {
    connections(userId: $userId) {
      key
      device
      ip
      since
      subscriptions
      sessionId
    }
  }
`);

export const operations = [
  ReadAdministered,
  PersonConnections,
  GiveRole,
  SuspendPerson,
  UnlockPerson,
  DisconnectPerson,
  RemoveSecondFactor,
  ReadPerson,
  PersonPosts,
  PersonEntries,
  PersonFollowers,
  PersonFollowing,
  FollowPerson,
  UnfollowPerson,
  BlockPerson,
  UnblockPerson,
  EditProfile,
] as const;
