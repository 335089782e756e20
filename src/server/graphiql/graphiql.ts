/** A tab of GraphiQL. */
export interface ExampleTab {
  readonly query: string;
  readonly variables?: string;
}

/**
 * The tabs that GraphiQL opens with: reading, signing in, and following something live. Users, the room and entries are those of the demo
 * data. A tab is named after its first operation. Comment lines fit the width of the editor in an ordinary window.
 */
export const exampleTabs: readonly ExampleTab[] = [
  {
    query: `# Ctrl-Enter runs the operation under the cursor.
# The symbols on the left open the documentation.
query Entries {
  entries(first: 10, filter: { category: "technical" }) {
    edges {
      node {
        id
        title
        author {
          username
        }
      }
    }
  }
}
`,
  },
  {
    query: `# With demo data, the button at the top signs in as one
# of its users, for all tabs: press it, and run Me.
#
# Without it, or as somebody else: run SignIn (register
# makes a new account), and copy the accessToken into
# the Headers below, for this tab alone, as
#    { "Authorization": "Bearer <accessToken>" }
mutation SignIn {
  login(
    input: { identifier: "ada", password: "lyceum-demo" }
  ) {
    credentials {
      accessToken
    }
  }
}

query Me {
  me {
    email
    user {
      displayName
      role
    }
  }
}
`,
  },
  {
    query: `# 1. Sign in, by the button or as in the second tab.
# 2. Run Write, and copy the post's id into the
#    Variables below.
# 3. Run Likes: the present number, then every change.
# 4. Run Like in another window, and watch it here.
mutation Write {
  createPost(input: { body: "Hello, Lyceum!" }) {
    post {
      id
    }
  }
}

subscription Likes($postId: ID!) {
  likeCountChanged(postId: $postId) {
    count
    post {
      body
    }
  }
}

mutation Like($postId: ID!) {
  likePost(input: { postId: $postId }) {
    likeCount
  }
}

mutation Unlike($postId: ID!) {
  unlikePost(input: { postId: $postId }) {
    likeCount
  }
}
`,
    variables: `{
  "postId": "PASTE_POST_ID"
}`,
  },
  {
    query: `# 1. Sign in, by the button or as in the second tab.
# 2. Run Join. R347 is the room of the demo data;
#    createRoom makes a new one and tells its code.
# 3. Copy the id into the Variables, and run Messages.
# 4. Run Say in another window, and watch it here.
mutation Join {
  joinRoom(input: { code: "R347" }) {
    conversation {
      id
      title
      cursor
    }
  }
}

subscription Messages($conversationId: ID!) {
  messageAdded(conversationId: $conversationId) {
    cursor
    message {
      body
      author {
        username
      }
    }
  }
}

mutation Say($conversationId: ID!) {
  sendMessage(
    input: {
      conversationId: $conversationId
      body: "Hello, everyone!"
    }
  ) {
    message {
      id
    }
  }
}
`,
    variables: `{
  "conversationId": "PASTE_CONVERSATION_ID"
}`,
  },
  {
    query: `# 1. Run People, and copy some ids into the Variables.
# 2. Run Presence: the present state of each, then every
#    change. Whoever follows something while signed in
#    is ONLINE.
query People {
  users(first: 5) {
    edges {
      node {
        id
        username
        presence {
          status
        }
      }
    }
  }
}

subscription Presence($userIds: [ID!]!) {
  presenceChanged(userIds: $userIds) {
    user {
      username
    }
    status
    lastSeenAt
  }
}
`,
    variables: `{
  "userIds": ["PASTE_USER_ID"]
}`,
  },
];
