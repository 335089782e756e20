import { useLayoutEffect, useRef, useState, type RefObject } from 'react';

interface ListStart {
  /** What scrolls the list: the nearest around it, with whatever stands above the list. */
  readonly scroller: RefObject<HTMLElement | null>;
  /** How far below its top the list begins, in pixels; null until it has been measured. */
  readonly start: number | null;
}

const scrollerOf = (element: HTMLElement): HTMLElement => {
  for (let parent = element.parentElement; parent; parent = parent.parentElement)
    if (/auto|scroll/.test(getComputedStyle(parent).overflowY)) return parent;
  return document.documentElement;
};

/** Where a list stands in the page. What is above it grows and shrinks, such as a text that is written. */
export const useListStart = (place: RefObject<HTMLElement | null>): ListStart => {
  const scroller = useRef<HTMLElement>(null);
  const [start, setStart] = useState<number | null>(null);
  useLayoutEffect(() => {
    const { current: list } = place;
    if (!list) return;
    const found = scrollerOf(list);
    scroller.current = found;
    const measure = (): void =>
      setStart(Math.round(list.getBoundingClientRect().top - found.getBoundingClientRect().top + found.scrollTop));
    measure();
    // Whatever becomes higher above it makes something around it higher.
    const observer = new ResizeObserver(measure);
    for (let around: HTMLElement | null = list; around && around !== found; around = around.parentElement) observer.observe(around);
    return () => observer.disconnect();
  }, [place]);
  return { scroller, start };
};
