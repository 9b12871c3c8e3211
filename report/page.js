"use strict";
(() => {
	const root = document.documentElement;
	const table = document.querySelector("#layers table");
	const heads = [...table.tHead.rows[0].cells];
	const bodies = [...table.tBodies];
	root.classList.remove("plain");

	const setOpen = (body, open) => {
		body.classList.toggle("open", open);
		body.querySelector(".fold").setAttribute("aria-expanded", open);
	};
	for (const body of bodies) {
		body.querySelector(".fold").addEventListener("click", () => setOpen(body, !body.classList.contains("open")));
	}

	const unfold = document.getElementById("unfold");
	unfold.addEventListener("click", () => {
		const open = unfold.getAttribute("aria-pressed") !== "true";
		unfold.setAttribute("aria-pressed", open);
		unfold.textContent = open ? "Fold all" : "Unfold all";
		bodies.forEach((body) => setOpen(body, open));
	});

	// A value that is missing comes last, whatever the direction.
	const sort = (column, direction) => {
		const sign = direction === "ascending" ? 1 : -1;
		const key = new Map(bodies.map((body) => [body, body.rows[0].cells[column].dataset.sort || ""]));
		const numeric = [...key.values()].every((k) => k === "" || !Number.isNaN(Number(k)));
		bodies.sort((a, b) => {
			const x = key.get(a), y = key.get(b);
			if (x === "" || y === "") return (x === "") - (y === "");
			return sign * (numeric ? Number(x) - Number(y) : x.localeCompare(y, "en", {numeric: true}));
		});
		table.append(...bodies);
		heads.forEach((head, i) => i === column ? head.setAttribute("aria-sort", direction) : head.removeAttribute("aria-sort"));
	};
	heads.forEach((head, column) => {
		const button = head.querySelector("button");
		if (!button) return;
		button.addEventListener("click", () => {
			const first = button.dataset.first || "ascending";
			const other = first === "ascending" ? "descending" : "ascending";
			sort(column, head.getAttribute("aria-sort") === first ? other : first);
		});
	});

	const filter = document.getElementById("filter");
	const shown = document.getElementById("shown");
	filter.addEventListener("input", () => {
		const words = filter.value.toLowerCase().split(/\s+/);
		let n = 0;
		for (const body of bodies) {
			const text = body.rows[0].textContent.toLowerCase();
			body.hidden = !words.every((word) => text.includes(word));
			n += !body.hidden;
		}
		shown.textContent = n === bodies.length ? "" : `${n} of ${bodies.length}`;
	});

	// A link to a layer unfolds it.
	const follow = () => {
		const body = document.getElementById(location.hash.slice(1));
		if (!bodies.includes(body)) return;
		body.hidden = false;
		setOpen(body, true);
		body.scrollIntoView();
	};
	addEventListener("hashchange", follow);
	follow();

	document.getElementById("theme").addEventListener("click", () => {
		const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
		root.dataset.theme = dark ? "light" : "dark";
	});
})();
