//! What an attacker who may write expressions tries.

use std::time::{Duration, Instant};

use identity::expressions::{FailureKind, MAX_TEXT};

use super::{expressions, failure, outcome, values};

/// Would read files, variables, processes and addresses of the service, or the interpreter's insides.
#[tokio::test]
async fn the_world_is_out_of_reach() {
    let expressions = expressions();
    for text in [
        "return open('/etc/passwd').read()",
        "import os\nreturn os.environ",
        "import os\nreturn os.getenv('HOME')",
        "import os\nreturn os.system('id')",
        "import os\nreturn os.listdir('/')",
        "from pathlib import Path\nreturn Path('/etc/passwd').read_text()",
        "from pathlib import Path\nreturn [str(p) for p in Path('/').iterdir()]",
        "return __import__('os').environ",
        "return eval('1')",
        "return exec('1')",
        "return globals()",
        "return ().__class__.__bases__[0].__subclasses__()",
        "return user.__class__.__init__.__globals__",
        "return getattr((), '__class__')",
        "import socket\nreturn socket.create_connection(('127.0.0.1', 80))",
        "import subprocess\nreturn subprocess.run(['id'])",
        "import urllib.request\nreturn urllib.request.urlopen('http://127.0.0.1/')",
        "import ctypes",
        "import sys\nreturn sys.modules['os']",
        "return requests.get('http://127.0.0.1/')",
        "return input()",
    ] {
        let failure = failure(&expressions, text).await;
        let by_itself = matches!(failure.kind, FailureKind::Raised(_) | FailureKind::Syntax);
        assert!(by_itself, "{text}: {failure:?}");
    }
    assert_eq!(expressions.idle_workers().len(), 1, "none of it needed the walls of the process");
}

/// Would keep a processor busy for ever, or until the sign-in gives up.
#[tokio::test]
async fn endless_work_is_stopped() {
    let expressions = expressions();
    for text in [
        "while True: pass",
        "while True:\n  try:\n    while True: pass\n  except BaseException:\n    pass",
        "def f(): return f()\nwhile True:\n  try: f()\n  except RecursionError: pass",
        "while True: yield 1",
        "x = 3 ** (10 ** 7)\nreturn len(str(x))",
        "return sum(i * i for i in range(10 ** 9))",
        "x = 'a' * 10000\nfor i in range(10000): x.replace('a', 'bb')",
        "while True:\n  try: nobody\n  except NameError: pass",
    ] {
        let began = Instant::now();
        let failure = failure(&expressions, text).await;
        assert!(matches!(failure.kind, FailureKind::Time | FailureKind::Crash), "{text}: {failure:?}");
        assert!(began.elapsed() < Duration::from_secs(5), "{text}: {:?}", began.elapsed());
    }
    assert_eq!(values(&expressions, "return 1").await.unwrap(), ["1"]);
}

/// Would take the machine's memory.
#[tokio::test]
async fn memory_is_bounded() {
    let expressions = expressions();
    for text in [
        "x = 'x' * 10 ** 9\nreturn len(x)",
        "x = [0] * 10 ** 9\nreturn len(x)",
        "x = 'x'\nwhile True: x += x",
        "x = []\nwhile True: x = [x, x, 'abc' * 1000000]",
        "x = {}\nfor i in range(10 ** 9): x[i] = str(i) * 1000",
        "return 1 << 10 ** 10",
        "return '%s' % ('x' * 10 ** 10)",
        "return f'{1:>1000000000}'",
        "import re\nreturn re.compile('(((a{1000}){1000}){1000})').match('a')",
    ] {
        let failure = failure(&expressions, text).await;
        assert!(!matches!(failure.kind, FailureKind::Unavailable), "{text}: {failure:?}");
        assert_eq!(values(&expressions, "return 1").await.unwrap(), ["1"], "after {text}");
    }
}

/// Would overflow the stack of what reads or runs it.
#[tokio::test]
async fn depth_is_bounded() {
    let expressions = expressions();
    let open = |open: &str, close: &str| format!("return {}1{}", open.repeat(10_000), close.repeat(10_000));
    let deep_list = "x = []\nfor i in range(100000): x = [x]\nreturn ";
    let chain: String = (0..180).map(|depth| format!("{}if user:\n", " ".repeat(depth))).collect();
    for text in [
        open("(", ")"),
        open("[", "]"),
        open("{1:", "}"),
        open("-", ""),
        open("not ", ""),
        open("f(", ")"),
        format!("return a{}", ".a".repeat(15_000)),
        format!("return 1{}", "+1".repeat(15_000)),
        format!("return f'{}'", "{".repeat(10_000)),
        format!("return {}1", "lambda: ".repeat(4000)),
        format!("{chain}{}return 1", " ".repeat(180)),
        format!("{deep_list}x"),
        format!("{deep_list}str(x)"),
        format!("{deep_list}x == [x]"),
        "def f(n): return f(n + 1)\nreturn f(0)".to_owned(),
        "class A:\n  def __str__(self): return str(self)\nreturn A()".to_owned(),
        "x = []\nx.append(x)\nreturn x, x == x, str(x) * 0, [x] == [[x]]".to_owned(),
    ] {
        let answer = outcome(&expressions, &text).await;
        let shown = text.get(..60).unwrap_or(&text);
        if let Err(failure) = answer {
            assert!(!matches!(failure.kind, FailureKind::Unavailable), "{shown}: {failure:?}");
        }
        assert_eq!(values(&expressions, "return 1").await.unwrap(), ["1"], "after {shown}");
    }
}

/// Would fill the answer, the log or the page that shows it.
#[tokio::test]
async fn output_is_bounded() {
    let expressions = expressions();
    for text in [
        "return 'x' * 70000",
        "return ['x'] * 2001",
        "return range(3000)",
        "return ['\\0' * 1000 for i in range(66)]",
    ] {
        assert_eq!(failure(&expressions, text).await.kind, FailureKind::TooMuch, "{text}");
    }
    assert_eq!(values(&expressions, "return '\\0' * 65536").await.unwrap()[0].len(), 65536);
    let failure = failure(&expressions, "raise ValueError('line\\n\\x1b[31m' * 10000)").await;
    assert!(failure.sentence().chars().count() < 400 && !failure.sentence().contains(['\n', '\x1b']));
    values(&expressions, "print('x' * 1000)\nreturn 1").await;
    let outcome = outcome(&expressions, &format!("return 1 # {}", "x".repeat(MAX_TEXT))).await;
    assert_eq!(outcome.unwrap_err().sentence(), "An expression may have 32 KiB.");
}

/// Would tell one person what was known about the one before.
#[tokio::test]
async fn nothing_is_left_behind_for_the_next_evaluation() {
    let expressions = expressions();
    for text in [
        "import re, json, sys\nre.secret = user.email\nreturn 1",
        "global leak\nleak = user.email\nreturn 1",
        "User.secret = user.email\nreturn 1",
        "user.attributes['leak'] = 1\nuser.ak_groups.append(7)\nreturn 1",
        "_ak_yielded.append(user.email)\nreturn 1",
    ] {
        // Some of it can't be done at all.
        _ = outcome(&expressions, text).await;
    }
    let text = "import re, json, sys\nreturn [hasattr(re, 'secret'), hasattr(User, 'secret'), 'leak' in user.attributes, \
                len(user.ak_groups), len(_ak_yielded)]";
    assert_eq!(values(&expressions, text).await.unwrap(), ["False", "False", "False", "2", "0"]);
    assert_eq!(
        failure(&expressions, "return leak").await.sentence(),
        "Line 1: NameError: name 'leak' is not defined."
    );
    assert_eq!(expressions.idle_workers().len(), 1);
}

/// A thousand evaluations, while somebody kills the workers: each has its own answer.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_workers_are_replaced() {
    let expressions = expressions();
    let done = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let killer = tokio::spawn({
        let (expressions, done) = (expressions.clone(), done.clone());
        async move {
            let mut killed = 0;
            while !done.load(std::sync::atomic::Ordering::Relaxed) {
                for worker in expressions.idle_workers() {
                    let pid = nix::unistd::Pid::from_raw(i32::try_from(worker).unwrap());
                    killed +=
                        usize::from(nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGKILL).is_ok());
                }
                tokio::time::sleep(Duration::from_millis(4)).await;
            }
            killed
        }
    });
    let mut running = tokio::task::JoinSet::new();
    for lane in 0..4 {
        let expressions = expressions.clone();
        running.spawn(async move {
            for number in 0..250 {
                let mine = format!("{lane}.{number}");
                let text = format!("return [user.username, '{mine}']");
                assert_eq!(values(&expressions, &text).await.unwrap(), ["ann".to_owned(), mine]);
                // So that its worker is idle for a moment, where the killer finds it.
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        });
    }
    running.join_all().await;
    done.store(true, std::sync::atomic::Ordering::Relaxed);
    let killed = killer.await.unwrap();
    assert!(killed > 5, "{killed} workers were killed");
}
