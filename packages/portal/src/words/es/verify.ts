/** Spanish words of the verify page. */
import type { words as en } from "../en/verify.ts";
import { verdicts } from "./verdicts.ts";

export const words: typeof en = {
  verdicts,
  title: "Verificar un archivo",
  intro:
    "Compruebe quién firmó un documento, una foto o una grabación, cuándo existía ya, y que nada en ello ha cambiado desde entonces. No hace falta cuenta.",
  drop: "Suelte aquí un archivo, con su prueba si la tiene, o",
  choose: "elíjalo en este dispositivo",
  dropHint: "De cualquier tipo y tamaño. El archivo se queda en su dispositivo: solo se compara su huella.",
  dropMore: {
    proof: "¿Tiene su archivo de prueba (.proof)? Suéltelo aquí, o",
    file: "Suelte aquí el archivo que quiere comparar, o",
    again: "Compruebe otro archivo: suéltelo aquí, o",
  },
  points: {
    private: {
      title: "Privado",
      text: "Su archivo se lee en este navegador y nunca se envía a ninguna parte.",
    },
    independent: {
      title: "Independiente",
      text: "La prueba se comprueba en su dispositivo, paso a paso. No tiene que creer a este notario.",
    },
    offline: {
      title: "Sin red",
      text: "Una vez abierta, esta página comprueba un archivo con su prueba aunque no haya conexión.",
    },
  },
  link: {
    title: "Siguió el enlace de un certificado",
    text: "Abajo se muestra el registro que nombra. Añada el archivo que recibió, y se compara con ese registro.",
  },
  hashing: (name: string): string => `Tomando la huella de ${name}`,
  checking: "Comprobando la prueba",
  amount: (done: string, all: string): string => `${done} de ${all}`,
  cancel: "Cancelar",
  cancelled: "Cancelado. No se comprobó nada.",
  file: "Archivo",
  proofFile: "Prueba",
  proofFromNotary: "de este notario",
  cautions: {
    unreachable:
      "El notario no responde. La prueba se comprobó de todos modos; solo no se sabe si últimamente se sustituyó o revocó.",
    another_log:
      "Este notario no lleva el registro del que viene la prueba, así que no se le pudo preguntar si se sustituyó o revocó.",
    other_keys:
      "Este notario muestra otras claves que aquellas en las que usted confía, así que no se le preguntó nada más. Vea abajo en qué confía.",
    entry_lost:
      "La prueba muestra un asiento que este notario ya no tiene: el registro se reescribió, o se repuso una copia antigua. Guarde la prueba: es la evidencia.",
    keys_changed:
      "Las claves de este notario no son las que este navegador anotó en el primer contacto. Alguien puede estar haciéndose pasar por él. Pregunte a su operador antes de seguir.",
  },
  ended: "Retirado el",
  others: (names: string): string =>
    `Otros también registraron el mismo contenido, y eso sigue vigente; el veredicto es sobre su primer asiento. Son: ${names}`,
  ownEntry: "Ver el registro propio del archivo",
  download: "Descargar la prueba",
  another: "Empezar de nuevo",
  addFile: "Añadir el archivo",
  trust: {
    heading: "En qué se apoya este veredicto",
    idle: "En qué confía esta página",
    noted: (origin: string): string =>
      `Las claves del registro ${origin}, como este navegador las anotó en su primer contacto con este notario el `,
    notedMeaning:
      "Eso vale tanto como valía su conexión entonces. Para un tribunal o una suma grande, instale el archivo de confianza que publica la agencia.",
    nothing: "Nada todavía: este navegador no había visto antes a este notario.",
    file: (name: string): string => `El archivo de confianza ${name}, que usted instaló. Nombra: `,
    install: "Instalar un archivo de confianza:",
    choose: "elija un archivo .json",
    remove: "Quitar el archivo de confianza",
    forget: "Olvidar las claves anotadas",
    refused: "Este archivo de confianza no se puede usar.",
    installed: "El archivo de confianza está instalado. Vale desde ahora.",
    removed: "Quitado. Vuelven a valer las claves anotadas.",
    forgotten: "Olvidadas. Las claves se anotan de nuevo en el próximo contacto.",
  },
  problems: {
    many: "Suelte un solo archivo, o un archivo y su prueba.",
    unreadable: "El archivo no se pudo leer. Quizá se movió o cambió entretanto. Elíjalo otra vez.",
    failed: "La comprobación no se pudo iniciar. Recargue la página e inténtelo de nuevo.",
    trust: "El archivo de confianza instalado ya no se puede usar. Quítelo o instálelo de nuevo, abajo.",
    link: "El enlace no nombra ningún registro. Compruebe que se copió entero.",
  },
};
