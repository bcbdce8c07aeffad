import assert from "node:assert/strict";
import { test } from "node:test";
import { findProgram, type ProgramSettings, type SearchResult, type Surroundings } from "../src/binary";

const NO_SETTINGS: ProgramSettings = { path: "", interpreters: [], defaultInterpreter: "" };

interface Case {
  readonly programs: readonly string[];
  readonly settings?: Partial<ProgramSettings>;
  readonly variables?: Record<string, string>;
  readonly folders?: readonly string[];
  readonly links?: Record<string, string>;
  readonly platform?: NodeJS.Platform;
  readonly isTrusted?: boolean;
}

function find(given: Case): SearchResult {
  const platform = given.platform ?? "linux";
  const surroundings: Surroundings = {
    platform,
    home: platform === "win32" ? "C:\\Users\\me" : "/home/me",
    variables: given.variables ?? { PATH: "/usr/bin:/opt/bin" },
    folders: given.folders ?? ["/work/a"],
    isTrusted: given.isTrusted ?? true,
    isProgram: (file) => given.programs.includes(file),
    realPath: (file) => given.links?.[file] ?? file,
  };
  return findProgram({ ...NO_SETTINGS, ...given.settings }, surroundings);
}

/** Asserts the program that is found, or the kind of the result. */
function expect(expected: string, given: Case): void {
  const result = find(given);
  assert.equal(result.kind === "found" ? result.program : result.kind, expected, JSON.stringify(given));
}

test("the first program in the order of the search is found", () => {
  const order: [string, Partial<ProgramSettings>][] = [
    ["/opt/stackref", { path: "/opt/stackref" }],
    ["/envs/one/bin/stackref", { interpreters: ["/envs/one/bin/python"] }],
    ["/envs/two/bin/stackref", { defaultInterpreter: "/envs/two/bin/python3" }],
    ["/envs/active/bin/stackref", {}],
    ["/work/a/.venv/bin/stackref", {}],
    ["/work/a/venv/bin/stackref", {}],
    ["/usr/bin/stackref", {}],
    ["/opt/bin/stackref", {}],
  ];
  const variables = { PATH: "/usr/bin:/opt/bin", VIRTUAL_ENV: "/envs/active" };
  for (let first = 0; first < order.length; first += 1) {
    const rest = order.slice(first);
    const settings = Object.assign({}, ...rest.map(([, setting]) => setting)) as Partial<ProgramSettings>;
    expect(rest[0]?.[0] ?? "", { programs: rest.map(([program]) => program), settings, variables });
  }
  expect("missing", { programs: [], variables });
});

test("each workspace folder is searched", () => {
  const folders = ["/work/a", "/work/b"];
  expect("/work/b/.venv/bin/stackref", { programs: ["/work/b/.venv/bin/stackref"], folders });
  expect("/work/a/venv/bin/stackref", { programs: ["/work/b/.venv/bin/stackref", "/work/a/venv/bin/stackref"], folders });
  expect("/usr/bin/stackref", { programs: ["/usr/bin/stackref"], folders: [] });
});

test("the setting of the path is expanded", () => {
  const variables = { PATH: "/usr/bin", TOOLS: "/tools" };
  const cases: [string, string][] = [
    ["/opt/stackref", "/opt/stackref"],
    [" /opt/stackref ", "/opt/stackref"],
    ["~/bin/stackref", "/home/me/bin/stackref"],
    ["${userHome}/bin/stackref", "/home/me/bin/stackref"],
    ["${workspaceFolder}/tools/stackref", "/work/a/tools/stackref"],
    ["tools/stackref", "/work/a/tools/stackref"],
    ["../stackref", "/work/stackref"],
    ["${env:TOOLS}/stackref", "/tools/stackref"],
    ["stackref-nightly", "/usr/bin/stackref-nightly"],
  ];
  for (const [path, program] of cases) {
    expect(program, { programs: [program], settings: { path }, variables });
  }
});

test("a wrong setting is reported even if there are other programs", () => {
  const programs = ["/usr/bin/stackref", "/work/a/.venv/bin/stackref"];
  for (const path of ["/opt/stackref", "missing", "~", "${env:UNSET}/stackref", "${unknown}/stackref"]) {
    expect("wrong-setting", { programs, settings: { path } });
  }
});

test("an interpreter may be a name, a folder or relative", () => {
  const programs = ["/envs/conda/bin/stackref", "/work/a/env/bin/stackref"];
  expect("/envs/conda/bin/stackref", { programs, settings: { interpreters: ["/envs/conda"] } });
  expect("/work/a/env/bin/stackref", { programs, settings: { defaultInterpreter: "env/bin/python" } });
  expect("/work/a/env/bin/stackref", { programs, settings: { defaultInterpreter: "${workspaceFolder}/env/bin/python" } });
  expect("missing", { programs: ["/work/a/stackref"], settings: { defaultInterpreter: "python" } });
});

test("relative folders of PATH are skipped", () => {
  const programs = ["stackref", "/work/a/stackref", "/work/a/bin/stackref", "/stackref"];
  for (const PATH of ["", ".", ":", "bin", "./bin:.."]) {
    expect("missing", { programs, variables: { PATH } });
  }
  expect("missing", { programs, variables: {} });
  expect("missing", { programs, variables: { PATH: "", VIRTUAL_ENV: "." } });
});

test("no program of an untrusted workspace runs", () => {
  const variables = { PATH: "/work/a/bin:/usr/bin", VIRTUAL_ENV: "/work/a/env" };
  const inside = ["/work/a/.venv/bin/stackref", "/work/a/venv/bin/stackref", "/work/a/env/bin/stackref", "/work/a/bin/stackref"];
  for (const program of inside) {
    expect(program, { programs: [program], variables });
    expect("untrusted", { programs: [program], variables, isTrusted: false });
    expect("untrusted", { programs: [program], variables, isTrusted: false, settings: { path: program } });
    expect("/usr/bin/stackref", { programs: [program, "/usr/bin/stackref"], variables, isTrusted: false });
  }
  expect("untrusted", { programs: ["/work/a/x/stackref"], isTrusted: false, settings: { path: "x/stackref" } });
  expect("untrusted", { programs: ["/work/a/x/stackref"], isTrusted: false, settings: { path: "/usr/../work/a/x/stackref" } });
  // A wrong setting stays wrong: the search does not continue.
  expect("wrong-setting", { programs: ["/usr/bin/stackref"], isTrusted: false, settings: { path: "/opt/stackref" } });
});

test("links do not hide that a program is in the workspace", () => {
  const intoWorkspace = { "/usr/bin/stackref": "/work/a/evil" };
  expect("untrusted", { programs: ["/usr/bin/stackref"], links: intoWorkspace, isTrusted: false });
  const outOfWorkspace = { "/work/a/.venv/bin/stackref": "/usr/bin/true" };
  expect("untrusted", { programs: ["/work/a/.venv/bin/stackref"], links: outOfWorkspace, isTrusted: false });
  const linkedWorkspace = { "/home/me/a": "/work/a", "/usr/bin/stackref": "/work/a/evil" };
  expect("untrusted", { programs: ["/usr/bin/stackref"], links: linkedWorkspace, folders: ["/home/me/a"], isTrusted: false });
});

test("a folder whose name starts as the workspace is outside it", () => {
  const variables = { PATH: "/work/ab:/work/..a" };
  expect("/work/ab/stackref", { programs: ["/work/ab/stackref"], variables, isTrusted: false });
  expect("/work/..a/stackref", { programs: ["/work/..a/stackref"], variables, isTrusted: false });
  expect("untrusted", { programs: ["/work/..a/stackref"], variables, folders: ["/work"], isTrusted: false });
});

test("programs are found on Windows", () => {
  const windows = { platform: "win32", folders: ["C:\\Work"], variables: { Path: "C:\\Tools;bin;D:\\Bin" } } as const;
  const cases: [string, Partial<ProgramSettings>][] = [
    ["C:\\Work\\.venv\\Scripts\\stackref.exe", {}],
    ["C:\\Tools\\stackref.exe", {}],
    ["D:\\Bin\\stackref.exe", {}],
    ["C:\\envs\\a\\Scripts\\stackref.exe", { interpreters: ["C:\\envs\\a\\Scripts\\python.exe"] }],
    ["C:\\Python312\\Scripts\\stackref.exe", { interpreters: ["C:\\Python312\\python.exe"] }],
    ["C:\\envs\\conda\\Scripts\\stackref.exe", { interpreters: ["C:/envs/conda"] }],
    ["C:\\Users\\me\\stackref.exe", { path: "~\\stackref" }],
    ["C:\\Users\\me\\stackref.exe", { path: "~/stackref.exe" }],
  ];
  for (const [program, settings] of cases) {
    expect(program, { ...windows, programs: [program], settings });
  }
  expect("missing", { ...windows, programs: ["C:\\Work\\stackref.exe", "C:\\Work\\bin\\stackref.exe", "C:\\Tools\\stackref.bat"] });
});

test("an untrusted workspace on Windows and macOS has no case", () => {
  const program = "c:\\work\\.VENV\\Scripts\\stackref.exe";
  const windows = { platform: "win32", folders: ["C:\\Work"], variables: { PATH: "c:\\work\\.VENV\\Scripts" } } as const;
  expect("untrusted", { ...windows, programs: [program], isTrusted: false });
  expect("D:\\Work\\stackref.exe", { ...windows, variables: { PATH: "D:\\Work" }, programs: ["D:\\Work\\stackref.exe"], isTrusted: false });
  const mac = { platform: "darwin", folders: ["/Work/A"], variables: { PATH: "/work/a/bin" } } as const;
  expect("untrusted", { ...mac, programs: ["/work/a/bin/stackref"], isTrusted: false });
});
