import { useParams } from 'wouter';
import { Page } from '../../app/page.js';
import { useTexts } from '../../i18n/language.js';
import { CodeForm, RoomForm } from './forms.js';
import { joinTexts } from './join-texts.js';
import { RoomOfLink } from './room-of-link.js';

const JoinPage = () => {
  const t = useTexts(joinTexts);
  const { code } = useParams<{ code?: string }>();
  if (code !== undefined) return <RoomOfLink key={code} code={code} />;
  return (
    <Page title={t('title')}>
      <CodeForm />
      <RoomForm />
    </Page>
  );
};

export default JoinPage;
