"use strict";"back_forward"!==performance.getEntriesByType("navigation")[0]?.type&&document.querySelector("form[data-payment]")?.submit();
