import { LogOut, Settings, UserRound } from 'lucide-react';
import { useMutation } from 'urql';
import { useLocation } from 'wouter';
import { tokens } from '../api/session.js';
import { Avatar } from '../design/avatar.js';
import { Menu, MenuItem, MenuSeparator } from '../design/menu.js';
import { useTexts } from '../i18n/language.js';
import { appTexts } from './app-texts.js';
import { SignOut } from './operations.js';
import { paths } from './paths.js';
import { useViewer } from './viewer.js';

const AccountMenu = () => {
  const t = useTexts(appTexts);
  const viewer = useViewer();
  const [, navigate] = useLocation();
  const [, signOut] = useMutation(SignOut);
  if (!viewer) return null;
  const { user } = viewer;
  const leave = async (): Promise<void> => {
    // Without an answer the session lives on at the server, but nobody here has its tokens.
    await signOut({});
    tokens.signOut();
    navigate(paths.vault);
  };
  return (
    <Menu label={t('account')} icon={<Avatar name={user.displayName} of={user.username} size={32} />} placement="right-end">
      <MenuItem icon={<UserRound size={16} />} onSelect={() => navigate(paths.person(user.username))}>
        {t('profile')}
      </MenuItem>
      <MenuItem icon={<Settings size={16} />} onSelect={() => navigate(paths.settings)}>
        {t('settings')}
      </MenuItem>
      <MenuSeparator />
      <MenuItem icon={<LogOut size={16} />} onSelect={() => void leave()}>
        {t('signOut')}
      </MenuItem>
    </Menu>
  );
};

export default AccountMenu;
