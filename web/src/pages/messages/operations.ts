import { graphql } from '../../gql/gql.js';

// ---------------------------------------------------------------- the list

/** What the viewer may do with a conversation, wherever it is shown. */
export const ConversationActs = graphql(`
  fragment ConversationActs on Conversation {
    id
    kind
    title
    joinCode
    unreadCount
    isMarkedUnread
    isArchived
    isMuted
    mutedUntil
    isPinned
    pinnedAt
    isRequest
    lastReadCursor
    peer {
      id
      displayName
      isDeleted
    }
    lastMessage {
      id
      cursor
    }
  }
`);

export const ConversationRow = graphql(`
  fragment ConversationRow on Conversation {
    id
    kind
    title
    joinCode
    createdAt
    lastMessageAt
    unreadCount
    isMarkedUnread
    isMuted
    isPinned
    ...ConversationActs
    peer {
      id
      username
      displayName
      isDeleted
      presence {
        id
        status
      }
    }
    lastMessage {
      id
      body
      deletedAt
      author {
        id
        displayName
        isDeleted
      }
    }
  }
`);

/** What orders the list. */
export const ConversationPlace = graphql(`
  fragment ConversationPlace on Conversation {
    id
    pinnedAt
    lastMessageAt
    createdAt
    peer {
      id
    }
  }
`);

export const ConversationList = graphql(`
  query ConversationList($filter: ConversationFilter, $after: String, $withPinned: Boolean!) {
    me {
      id
      inboxCursor
      conversations(first: 30, after: $after, filter: $filter) {
        nodes {
          id
          ...ConversationPlace
          ...ConversationRow
        }
        pageInfo {
          hasNextPage
          endCursor
        }
      }
      pinned: conversations(first: 30, filter: { isPinned: true }) @include(if: $withPinned) {
        nodes {
          id
          ...ConversationPlace
          ...ConversationRow
        }
      }
    }
  }
`);

export const InboxLive = graphql(`
  subscription InboxLive($after: String) {
    inboxChanged(after: $after) {
      cursor
      kind
      conversationId
      conversation {
        id
        lastReadSeq
        ...ConversationPlace
        ...ConversationRow
      }
      unread {
        id
        ...Unread
      }
    }
  }
`);

// ---------------------------------------------------------------- a conversation

/** A member, as they are shown. */
export const MemberRow = graphql(`
  fragment MemberRow on ConversationMember {
    id
    role
    lastReadSeq
    user {
      id
      username
      displayName
      isDeleted
      presence {
        id
        status
      }
    }
  }
`);

export const OpenConversation = graphql(`
  query OpenConversation($id: ID!) {
    conversation(id: $id) {
      id
      kind
      title
      joinCode
      memberCount
      onlineCount
      viewerCanEdit
      lastReadSeq
      lastReadCursor
      isLarge
      awaitsAcceptance
      ...ConversationActs
      unreadCount
      isMarkedUnread
      isRequest
      peer {
        id
        username
        displayName
        isDeleted
        viewerBlocks
        presence {
          id
          status
          lastSeenAt
        }
      }
      members(first: 100) {
        nodes {
          id
          ...MemberRow
        }
        pageInfo {
          hasNextPage
          endCursor
        }
      }
    }
  }
`);

export const MessageRow = graphql(`
  fragment MessageRow on Message {
    id
    seq
    cursor
    clientId
    body
    bodyHtml
    createdAt
    editedAt
    deletedAt
    viewerCanEdit
    viewerCanDelete
    author {
      id
      username
      displayName
      isDeleted
    }
    replyTo {
      id
      body
      deletedAt
      author {
        id
        displayName
        isDeleted
      }
    }
    reactions {
      emoji
      count
      viewerHasReacted
    }
  }
`);

/** The end of a history, or what is before a place in it. The cursor of the log beside it is no newer. */
export const HistoryBefore = graphql(`
  query HistoryBefore($id: ID!, $last: Int!, $before: String) {
    conversation(id: $id) {
      id
      cursor
      unreadCount
      lastReadSeq
      lastReadCursor
      messages(last: $last, before: $before) {
        nodes {
          ...MessageRow
        }
        pageInfo {
          hasPreviousPage
        }
      }
    }
  }
`);

/** What follows a place in a history. */
export const HistoryAfter = graphql(`
  query HistoryAfter($id: ID!, $first: Int!, $after: String!) {
    conversation(id: $id) {
      id
      cursor
      messages(first: $first, after: $after) {
        nodes {
          ...MessageRow
        }
        pageInfo {
          hasNextPage
        }
      }
    }
  }
`);

/** Where a message stands, to open the history there. */
export const PlaceOfMessage = graphql(`
  query PlaceOfMessage($id: ID!) {
    node(id: $id) {
      __typename
      id
      ... on Message {
        ...MessageRow
        conversation {
          id
        }
      }
    }
  }
`);

export const ConversationLive = graphql(`
  subscription ConversationLive($id: ID!, $after: String) {
    conversationEvents(conversationId: $id, after: $after) {
      __typename
      cursor
      at
      ... on MessageAdded {
        message {
          ...MessageRow
        }
      }
      ... on MessageEdited {
        message {
          ...MessageRow
        }
      }
      ... on MessageDeleted {
        message {
          ...MessageRow
        }
      }
      ... on ReactionsChanged {
        message {
          ...MessageRow
        }
      }
      ... on MemberJoined {
        conversation {
          id
          memberCount
        }
        member {
          id
          ...MemberRow
        }
      }
      ... on MemberLeft {
        user {
          id
        }
        conversation {
          id
          memberCount
        }
      }
      ... on OwnerChanged {
        member {
          id
          role
        }
      }
      ... on ConversationRenamed {
        conversation {
          id
          title
        }
      }
      ... on ReadMoved {
        member {
          id
          lastReadSeq
        }
      }
    }
  }
`);

export const TypingLive = graphql(`
  subscription TypingLive($id: ID!) {
    typingChanged(conversationId: $id) {
      isTyping
      user {
        id
        displayName
        isDeleted
      }
    }
  }
`);

export const PresenceOfMembers = graphql(`
  subscription PresenceOfMembers($id: ID!) {
    presenceChanged(of: { conversationId: $id }) {
      id
      user {
        id
        displayName
        isDeleted
      }
      status
      lastSeenAt
    }
  }
`);

/** What an act upon a conversation may have changed of it: where it stands in the lists, and how it looks there. */
export const FiledConversation = graphql(`
  fragment FiledConversation on Conversation {
    id
    ...ConversationPlace
    ...ConversationRow
  }
`);

/** What an act leaves unread for the viewer. */
export const OwnCounts = graphql(`
  fragment OwnCounts on Me {
    id
    unreadCounts {
      id
      ...Unread
    }
  }
`);

// ---------------------------------------------------------------- what is done in it

export const SendMessage = graphql(`
  mutation SendMessage($input: SendMessageInput!) {
    sendMessage(input: $input) {
      message {
        ...MessageRow
      }
    }
  }
`);

export const EditMessage = graphql(`
  mutation EditMessage($input: EditMessageInput!) {
    editMessage(input: $input) {
      message {
        ...MessageRow
      }
    }
  }
`);

export const DeleteMessage = graphql(`
  mutation DeleteMessage($input: DeleteMessageInput!) {
    deleteMessage(input: $input) {
      messageId
      message {
        ...MessageRow
      }
    }
  }
`);

export const React = graphql(`
  mutation React($input: AddReactionInput!) {
    addReaction(input: $input) {
      message {
        ...MessageRow
      }
    }
  }
`);

export const Unreact = graphql(`
  mutation Unreact($input: RemoveReactionInput!) {
    removeReaction(input: $input) {
      message {
        ...MessageRow
      }
    }
  }
`);

export const ReadUpTo = graphql(`
  mutation ReadUpTo($input: MarkReadInput!) {
    markRead(input: $input) {
      conversation {
        id
        unreadCount
        lastReadSeq
        lastReadCursor
        isMarkedUnread
      }
      me {
        ...OwnCounts
      }
    }
  }
`);

export const SetTyping = graphql(`
  mutation SetTyping($input: SetTypingInput!) {
    setTyping(input: $input) {
      ok
    }
  }
`);

// ---------------------------------------------------------------- how it is kept

export const ArchiveConversation = graphql(`
  mutation ArchiveConversation($input: ArchiveConversationInput!) {
    archiveConversation(input: $input) {
      conversation {
        ...FiledConversation
      }
      me {
        ...OwnCounts
      }
    }
  }
`);

export const UnarchiveConversation = graphql(`
  mutation UnarchiveConversation($input: UnarchiveConversationInput!) {
    unarchiveConversation(input: $input) {
      conversation {
        ...FiledConversation
      }
      me {
        ...OwnCounts
      }
    }
  }
`);

export const MuteConversation = graphql(`
  mutation MuteConversation($input: MuteConversationInput!) {
    muteConversation(input: $input) {
      conversation {
        ...FiledConversation
      }
      me {
        ...OwnCounts
      }
    }
  }
`);

export const UnmuteConversation = graphql(`
  mutation UnmuteConversation($input: UnmuteConversationInput!) {
    unmuteConversation(input: $input) {
      conversation {
        ...FiledConversation
      }
      me {
        ...OwnCounts
      }
    }
  }
`);

export const PinConversation = graphql(`
  mutation PinConversation($input: PinConversationInput!) {
    pinConversation(input: $input) {
      conversation {
        ...FiledConversation
      }
      me {
        ...OwnCounts
      }
    }
  }
`);

export const UnpinConversation = graphql(`
  mutation UnpinConversation($input: UnpinConversationInput!) {
    unpinConversation(input: $input) {
      conversation {
        ...FiledConversation
      }
      me {
        ...OwnCounts
      }
    }
  }
`);

export const MarkUnread = graphql(`
  mutation MarkUnread($input: MarkUnreadInput!) {
    markUnread(input: $input) {
      conversation {
        ...FiledConversation
      }
      me {
        ...OwnCounts
      }
    }
  }
`);

export const AcceptRequest = graphql(`
  mutation AcceptRequest($input: AcceptRequestInput!) {
    acceptRequest(input: $input) {
      conversation {
        ...FiledConversation
      }
      me {
        ...OwnCounts
      }
    }
  }
`);

export const DeclineRequest = graphql(`
  mutation DeclineRequest($input: DeclineRequestInput!) {
    declineRequest(input: $input) {
      conversation {
        ...FiledConversation
      }
      me {
        ...OwnCounts
      }
    }
  }
`);

// ---------------------------------------------------------------- who is in it

export const RenameConversation = graphql(`
  mutation RenameConversation($input: RenameConversationInput!) {
    renameConversation(input: $input) {
      conversation {
        id
        title
      }
    }
  }
`);

export const AddMembers = graphql(`
  mutation AddMembers($input: AddMembersInput!) {
    addMembers(input: $input) {
      conversation {
        id
        memberCount
      }
      members {
        id
        ...MemberRow
      }
    }
  }
`);

export const RemoveMember = graphql(`
  mutation RemoveMember($input: RemoveMemberInput!) {
    removeMember(input: $input) {
      conversation {
        id
        memberCount
      }
      user {
        id
      }
    }
  }
`);

export const LeaveConversation = graphql(`
  mutation LeaveConversation($input: LeaveConversationInput!) {
    leaveConversation(input: $input) {
      conversationId
      me {
        ...OwnCounts
      }
    }
  }
`);

// ---------------------------------------------------------------- beginning one

export const StartDirect = graphql(`
  mutation StartDirect($input: StartDirectInput!) {
    startDirect(input: $input) {
      conversation {
        id
        ...ConversationRow
      }
    }
  }
`);

export const CreateGroup = graphql(`
  mutation CreateGroup($input: CreateGroupInput!) {
    createGroup(input: $input) {
      conversation {
        id
        ...ConversationRow
      }
    }
  }
`);

export const operations = [
  ConversationList,
  InboxLive,
  OpenConversation,
  HistoryBefore,
  HistoryAfter,
  PlaceOfMessage,
  ConversationLive,
  TypingLive,
  PresenceOfMembers,
  SendMessage,
  EditMessage,
  DeleteMessage,
  React,
  Unreact,
  ReadUpTo,
  SetTyping,
  ArchiveConversation,
  UnarchiveConversation,
  MuteConversation,
  UnmuteConversation,
  PinConversation,
  UnpinConversation,
  MarkUnread,
  AcceptRequest,
  DeclineRequest,
  RenameConversation,
  AddMembers,
  RemoveMember,
  LeaveConversation,
  StartDirect,
  CreateGroup,
] as const;
