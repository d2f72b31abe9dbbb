mod support;
use support::*;
use runtime::*;
use std::time::*;
#[test]
fn picture() {
    let scene = Scene::new();
    for (id, kind) in [("desk", Kind::Desktop), ("term", Kind::Terminal)] {
        let spec = SessionSpec::new(id, kind);
        for n in 0..6 {
            let t = Instant::now();
            let handle = scene.start(&spec);
            let a = t.elapsed();
            let mut v = scene.run(Viewer::connect(&scene.sandbox, &handle));
            let b = t.elapsed();
            let f0 = scene.run(v.frame());
            let c = t.elapsed();
            let mut d = None;
            if n < 5 {
                while t.elapsed() < Duration::from_secs(6) {
                    let f = scene.run(v.frame());
                    let changed = f.chunks(4).zip(f0.chunks(4)).filter(|(a,b)| a != b).count();
                    if changed * 25 > f.len()/4 { d = Some(t.elapsed()); break; }
                }
            } else {
                std::thread::sleep(Duration::from_secs(3));
                if id == "term" { scene.run(v.type_text("ls -la /; id\n")); } 
                if id == "desk" { scene.run(v.type_text("")); }
                std::thread::sleep(Duration::from_secs(1));
                let f = scene.run(v.frame());
                let mut ppm = format!("P6 {} {} 255\n", v.width, v.height).into_bytes();
                for p in f.chunks(4) { ppm.extend([p[2], p[1], p[0]]); }
                std::fs::write(format!("/tmp/xt/{id}.ppm"), ppm).unwrap();
                println!("{:?}", scene.run(scene.sandbox.usage(&handle)));
            }
            println!("{id} start {a:?} hs {b:?} frame {c:?} app {d:?}");
            let t = Instant::now();
            scene.stop(&handle);
            println!("stop {:?}", t.elapsed());
        }
    }
}
