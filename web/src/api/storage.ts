/** What is kept in the browser: it never throws, and what there is no room for is there as long as the page is. */
export interface BrowserStorage {
  readonly getItem: (key: string) => string | null;
  /** @returns whether it outlives the page: the storage of a browser may be full, and somebody may have forbidden it */
  readonly setItem: (key: string, value: string) => boolean;
  readonly removeItem: (key: string) => void;
  readonly keys: () => readonly string[];
}

const guarded = (open: () => Storage): BrowserStorage => {
  /** Newer than what the browser keeps under the same key. */
  const unkept = new Map<string, string>();
  /** Where it is forbidden, even the property throws. */
  const attempt = <Result>(act: (storage: Storage) => Result, otherwise: Result): Result => {
    try {
      return act(open());
    } catch {
      return otherwise;
    }
  };
  addEventListener('storage', ({ key, storageArea }) => {
    // Written or removed in another tab, after what could not be kept in this one; all of it when there is no key.
    if (storageArea !== attempt<Storage | null>((storage) => storage, null)) return;
    if (key === null) unkept.clear();
    else unkept.delete(key);
  });
  return {
    getItem: (key) => unkept.get(key) ?? attempt((storage) => storage.getItem(key), null),
    setItem: (key, value) => {
      const isKept = attempt((storage) => {
        storage.setItem(key, value);
        return true;
      }, false);
      if (isKept) unkept.delete(key);
      else unkept.set(key, value);
      return isKept;
    },
    removeItem: (key) => {
      unkept.delete(key);
      attempt((storage) => storage.removeItem(key), undefined);
    },
    keys: () => [...new Set([...attempt((storage) => Object.keys(storage), []), ...unkept.keys()])],
  };
};

/** For all tabs of the browser, for good. */
export const browserStorage = guarded(() => localStorage);
/** For one tab, as long as it is open, over reloads. */
export const tabStorage = guarded(() => sessionStorage);
