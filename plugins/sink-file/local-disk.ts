import { statfs } from "node:fs/promises";

/** Magic numbers of Linux, statfs(2): ext2 to ext4, XFS, Btrfs, F2FS, ZFS, tmpfs, overlayfs. */
const LOCAL = new Set([0xef53, 0x58465342, 0x9123683e, 0xf2f52010, 0x2fc12fc1, 0x01021994, 0x794c7630]);

/** Whether a folder is on a file system of this machine, which takes a write into memory at once; a network's may hang. */
export const isOnLocalDisk = (folder: string): Promise<boolean> =>
  process.platform !== "linux"
    ? Promise.resolve(false)
    : statfs(folder).then(
        ({ type }) => LOCAL.has(type),
        () => false,
      );
