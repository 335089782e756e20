import { useState } from 'react';
import { useMutation } from 'urql';
import { useLocation } from 'wouter';
import { useOwner } from '../../api/api-provider.js';
import { failureOf, fieldWords } from '../../api/failure.js';
import { paths } from '../../app/paths.js';
import { Button } from '../../design/button.js';
import { Dialog } from '../../design/dialog.js';
import { ErrorNotice } from '../../design/error-notice.js';
import { TextField } from '../../design/text-field.js';
import { fieldTexts } from '../../i18n/field-texts.js';
import { useTexts } from '../../i18n/language.js';
import { messagesTexts } from './messages-texts.js';
import { CreateGroup, StartDirect } from './operations.js';
import { PersonPicker, type Person } from './person-picker.js';

/** Begins a conversation: with one person of two, with several a group that has a name. */
const NewConversation = ({ onClose }: { readonly onClose: () => void }) => {
  const t = useTexts(messagesTexts);
  const words = useTexts(fieldTexts);
  const owner = useOwner();
  const [, navigate] = useLocation();
  const [people, setPeople] = useState<readonly Person[]>([]);
  const [title, setTitle] = useState('');
  const [clientId] = useState(() => crypto.randomUUID());
  const [direct, startDirect] = useMutation(StartDirect);
  const [group, createGroup] = useMutation(CreateGroup);
  const failure = failureOf(direct.error ?? group.error);
  const isGroup = people.length > 1;
  const begin = async (): Promise<void> => {
    const [first] = people;
    if (!first) return;
    const input = { memberIds: people.map(({ id }) => id), title: title.trim(), clientId };
    const conversation = isGroup
      ? (await createGroup({ input })).data?.createGroup?.conversation
      : (await startDirect({ input: { userId: first.id } })).data?.startDirect?.conversation;
    if (!conversation) return;
    onClose();
    navigate(paths.conversation(conversation.id));
  };
  return (
    <Dialog
      open
      onClose={onClose}
      title={t('newTitle')}
      actions={
        <Button
          look="primary"
          busy={direct.fetching || group.fetching}
          disabled={people.length === 0 || (isGroup && title.trim() === '')}
          onClick={() => void begin()}
        >
          {t('begin')}
        </Button>
      }
    >
      {failure && failure.fields.length === 0 && <ErrorNotice failure={failure} />}
      <p>{t('findHint')}</p>
      <PersonPicker chosen={people} onChoose={setPeople} without={owner === null ? [] : [owner]} />
      {isGroup && (
        <TextField
          label={t('groupName')}
          value={title}
          onChange={(event) => setTitle(event.currentTarget.value)}
          error={fieldWords(failure, 'title', words)}
          maxLength={100}
        />
      )}
    </Dialog>
  );
};

export default NewConversation;
