const OLDEST = [20, 19];

/** Ends the script with a message when this Node is too old for the project. */
export function requireSupportedNode() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const [wantedMajor = 0, wantedMinor = 0] = OLDEST;
  if (major > wantedMajor || (major === wantedMajor && minor >= wantedMinor)) return;
  process.stderr.write(
    `Warren needs Node ${OLDEST.join('.')} or newer, this is ${process.versions.node}. See https://nodejs.org\n`,
  );
  process.exit(1);
}
