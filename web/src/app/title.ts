import { useEffect } from 'react';

let title = 'Lyceum';
let waiting = 0;

const show = (): void => {
  document.title = `${waiting > 0 ? `(${waiting > 99 ? '99+' : waiting}) ` : ''}${title}`;
};

/** The name of the page in the title of the tab. */
export const useTitle = (name: string): void => {
  useEffect(() => {
    title = name === '' ? 'Lyceum' : `${name} · Lyceum`;
    show();
  }, [name]);
};

/** How many things wait for the viewer, before the title of the tab. */
export const useWaiting = (count: number): void => {
  useEffect(() => {
    waiting = count;
    show();
  }, [count]);
};
