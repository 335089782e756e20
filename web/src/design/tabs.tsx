import { Tab, TabList, TabPanel, TabProvider } from '@ariakit/react/tab';
import type { ReactNode } from 'react';
import styles from './tabs.module.css';

export interface TabOf<Id extends string> {
  readonly id: Id;
  readonly title: ReactNode;
  readonly content: ReactNode;
}

interface TabsProps<Id extends string> {
  /** What they are about, for a screen reader. */
  readonly label: string;
  readonly tabs: readonly TabOf<Id>[];
  readonly selected: Id;
  /** Give each its address, so that back and reload keep the place. */
  readonly onSelect: (id: Id) => void;
}

export const Tabs = <Id extends string>({ label, tabs, selected, onSelect }: TabsProps<Id>) => (
  <TabProvider
    selectedId={selected}
    setSelectedId={(id) => {
      const tab = tabs.find((each) => each.id === id);
      if (tab && tab.id !== selected) onSelect(tab.id);
    }}
  >
    <TabList aria-label={label} className={styles.list}>
      {tabs.map(({ id, title }) => (
        <Tab key={id} id={id} className={styles.tab}>
          {title}
        </Tab>
      ))}
    </TabList>
    {tabs.map(({ id, content }) => (
      <TabPanel key={id} tabId={id} unmountOnHide className={styles.panel}>
        {content}
      </TabPanel>
    ))}
  </TabProvider>
);
